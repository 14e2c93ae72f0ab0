import os
import subprocess
import sys
from pathlib import Path

import pytest

from bdgf.scenes.readers.vector_drivers import check_vector_file, confined_vector_environment
from tests.data.vectors import write_geojson


@pytest.mark.parametrize(
    ("name", "driver"),
    [
        ("a.gpkg", "GPKG"),
        ("a.SHP", "ESRI Shapefile"),
        ("a.geojson", "GeoJSON"),
        ("a.json", "GeoJSON"),
    ],
)
def test_one_driver_is_left(name, driver):
    # Of a later GDAL another driver may come: then it belongs into the list.
    code = "import pyogrio; print(','.join(pyogrio.list_drivers()))"
    environment = {**os.environ, **confined_vector_environment(Path(name))}
    left = subprocess.run(
        [sys.executable, "-c", code], env=environment, check=True, capture_output=True, text=True
    )
    assert left.stdout.strip().split(",") == [driver]


def test_a_byte_order_mark_is_no_other_format(tmp_path):
    path = write_geojson(tmp_path / "a.geojson", [])
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    check_vector_file(path)
