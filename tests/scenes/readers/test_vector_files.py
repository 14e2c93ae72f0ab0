"""Files of polygons and points, in this process and in one of their own."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import shapely

from bdgf.core.errors import SceneError
from bdgf.scenes.readers.isolation import read_vectors_raw
from bdgf.scenes.readers.raw_array import VariableError
from bdgf.scenes.readers.reading_limits import ReadingSettings
from bdgf.scenes.readers.vector_files import read_vectors
from bdgf.scenes.readers.vectors import VectorQuery
from tests.data.vectors import write_geojson, write_vectors

SHAPES = [shapely.box(0, 0, 3, 2), shapely.MultiPolygon([shapely.box(5, 5, 6, 6)])]


@pytest.mark.parametrize("suffix", [".gpkg", ".shp", ".geojson"])
@pytest.mark.parametrize("isolated", [True, False])
def test_a_file_is_read_alike_in_both_processes(tmp_path, suffix, isolated):
    path = write_vectors(tmp_path / f"a{suffix}", SHAPES, ["maïs", "wheat "], "EPSG:32632")
    read = read_vectors_raw(path, VectorQuery(), ReadingSettings(isolated=isolated))
    assert all(
        shapely.equals(shapely.from_wkb(s), t) for s, t in zip(read.shapes, SHAPES, strict=True)
    )
    assert read.classes == ("maïs", "wheat")
    assert read.crs is not None
    assert "32632" in read.crs


@pytest.mark.parametrize(
    ("classes", "expected"),
    [([1, 2], (1.0, 2.0)), ([1.5, np.nan], (1.5, None)), ([" ", None], (None, None))],
)
def test_classes_are_numbers_names_or_none(tmp_path, classes, expected):
    path = write_vectors(tmp_path / "a.gpkg", SHAPES, classes)
    assert read_vectors(path, VectorQuery()).classes == expected


def test_layers_and_fields_are_chosen_by_name(tmp_path):
    path = write_vectors(tmp_path / "a.gpkg", SHAPES, ["a", "b"], layer="fields")
    write_vectors(path, SHAPES[:1], ["c"], layer="crowns", field="tree", append=True)
    query = VectorQuery(layer="crowns", class_field="tree")
    assert read_vectors(path, query).classes == ("c",)
    with pytest.raises(VariableError, match=r"several layers \((fields, crowns|crowns, fields)\)"):
        read_vectors(path, VectorQuery())
    with pytest.raises(VariableError, match=r"no layer 'roads', it holds: "):
        read_vectors(path, VectorQuery(layer="roads"))
    with pytest.raises(VariableError, match=r"no field 'crop', it has: tree"):
        read_vectors(path, VectorQuery(layer="crowns", class_field="crop"))


def test_several_fields_none_and_lists(tmp_path):
    point = {"type": "Point", "coordinates": [1, 2]}
    path = write_geojson(tmp_path / "a.geojson", [(point, {"crop": "a", "owner": "b"})])
    with pytest.raises(VariableError, match=r"several fields \(crop, owner\).*`class_field:`"):
        read_vectors(path, VectorQuery())
    write_geojson(path, [(point, {})])
    with pytest.raises(VariableError, match=r"has no fields.*`form: mask`"):
        read_vectors(path, VectorQuery())
    assert read_vectors(path, VectorQuery(with_classes=False)).classes == (None,)
    write_geojson(path, [(point, {"crop": ["a", "b"]})])
    with pytest.raises(SceneError, match=r"'crop' holds .* neither names nor numbers"):
        read_vectors(path, VectorQuery())


@pytest.mark.parametrize("suffix", [".gpkg", ".shp", ".geojson"])
@pytest.mark.parametrize("kept", [0, 10, 0.5])
def test_damaged_files_are_one_line(tmp_path, suffix, kept):
    path = write_vectors(tmp_path / f"a{suffix}", SHAPES * 300, ["a", "b"] * 300)
    content = path.read_bytes()
    path.write_bytes(content[: int(kept * len(content)) if kept < 1 else int(kept)])
    with pytest.raises(SceneError, match=r"a\.") as caught:
        read_vectors_raw(path, VectorQuery(), ReadingSettings())
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "content",
    [
        "<OGRVRTDataSource><OGRVRTLayer name='a'><SrcDataSource>/etc</SrcDataSource>",
        '{"type": "gdal_streamed_alg", "command_line": "gdal vector pipeline ! read x.gpkg"}',
        '{"type": "Topology", "objects": {}, "arcs": []}',
    ],
)
@pytest.mark.parametrize("suffix", [".geojson", ".gpkg", ".shp"])
def test_the_suffix_chooses_the_format_never_the_content(tmp_path, suffix, content):
    path = tmp_path / f"a{suffix}"
    path.write_text(content)
    with pytest.raises(SceneError, match=r"cannot read .*a\."):
        read_vectors_raw(path, VectorQuery(), ReadingSettings())


@pytest.mark.parametrize("part", [".shp", ".shx", ".dbf"])
def test_a_shapefile_whose_part_is_cut_short_is_refused(tmp_path, part):
    path = write_vectors(tmp_path / "a.shp", SHAPES * 30, ["a", "b"] * 30)
    content = path.with_suffix(part).read_bytes()
    path.with_suffix(part).write_bytes(content[: len(content) - 40])
    with pytest.raises(SceneError, match=rf"a\{part} declares .* cut short"):
        read_vectors(path, VectorQuery())


def test_another_format_is_told_by_its_content(tmp_path):
    path = write_vectors(tmp_path / "a.gpkg", SHAPES, ["a", "b"]).rename(tmp_path / "a.shp")
    with pytest.raises(SceneError, match=r"an SQLite database; name it \.gpkg"):
        read_vectors(path, VectorQuery())


def test_a_shapefile_without_its_parts_and_odd_paths_are_refused(tmp_path):
    path = write_vectors(tmp_path / "a.shp", SHAPES, ["a", "b"])
    (tmp_path / "a.dbf").unlink()
    with pytest.raises(SceneError, match=r"is without a\.dbf"):
        read_vectors(path, VectorQuery())
    odd = tmp_path / "a!b.geojson"
    write_geojson(odd, [({"type": "Point", "coordinates": [1, 2]}, {"crop": "a"})])
    with pytest.raises(SceneError, match=r"the sign '!'; rename"):
        read_vectors(odd, VectorQuery())


def test_a_large_file_is_refused_by_the_limit(tmp_path):
    path = write_vectors(tmp_path / "a.gpkg", SHAPES, ["a", "b"])
    with pytest.raises(SceneError, match=r"ingest\.most_gib"):
        read_vectors_raw(path, VectorQuery(), ReadingSettings(most_gib=1e-6))


_BOTH = """
import sys, numpy as np
{imports}
from pathlib import Path
import rasterio, rasterio.warp, pyogrio.raw
from bdgf.scenes.readers.vector_files import read_vectors
from bdgf.scenes.readers.vectors import VectorQuery
folder = Path(sys.argv[1])
for _ in range(2):
    with rasterio.open(folder / "a.tif") as source:
        assert source.crs.to_epsg() == 32632 and source.read(1).sum() == 6
    assert "32632" in read_vectors(folder / "a.gpkg", VectorQuery()).crs
    assert rasterio.warp.transform("EPSG:32632", "EPSG:4326", [5e5], [5e6])[0][0] == 9.0
    assert pyogrio.read_info(folder / "a.gpkg")["features"] == 2
"""


@pytest.mark.parametrize("imports", ["import rasterio, pyogrio", "import pyogrio, rasterio"])
def test_both_copies_of_gdal_live_in_one_process(tmp_path: Path, imports: str) -> None:
    from tests.data.fabricate import write_raster
    from tests.data.small_scene import PLACE

    write_raster(tmp_path / "a.tif", np.ones((2, 3), np.uint8), **PLACE)
    write_vectors(tmp_path / "a.gpkg", SHAPES, ["a", "b"])
    code = _BOTH.format(imports=imports)
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=True, timeout=60)
