"""Small raw files that are easily misread, written by the generator beside the shared data."""

import logging

import pytest
import yaml

from bdgf.core.errors import SceneError, SettingsError
from bdgf.preprocessing.preparation import fit_preparation
from bdgf.preprocessing.settings import PreparationSettings
from bdgf.scenes.ingest.read_scene import IngestSettings, ingest
from tests.data import raw_file_cases

CASES = (
    *("nodata_per_file", "mask_internal", "mask_sidecar", "mask_alpha", "geotiff_scale_offset"),
    *("envi_gain_offset", "envi_scale_factor", "h5_neon", "h5_cf", "log_of_decibels"),
    *("envi_bad_bands", "envi_bad_bands_empty", "tiff_pages", "mat_from_h5py", "h5_from_matlab"),
    *("cube_axes_ambiguous", "netcdf_groups", "netcdf_flipped", "netcdf_coarsened"),
    *("compound_crs", "gcp_only", "labels_rgb", "labels_sparse_v73", "split_masks"),
    *("split_mixed", "roi_order", "roi_without_id", "envi_big_endian", "netcdf_cut_out"),
    *("netcdf_ascending", "labels_from_zero", "crs_other_words"),
)
# Of the scene's own file: tried in tests/framework/test_config_loader.py.
SCENE_FILE_CASES = ("scene_numeric_name", "scene_cp1252", "scene_tab", "scene_windows_path")


@pytest.fixture(scope="session")
def cases(tmp_path_factory):
    return raw_file_cases.write_cases(tmp_path_factory.mktemp("cases"))


def test_every_case_is_tried(cases):
    assert sorted(folder.name for folder in cases.iterdir()) == sorted(CASES + SCENE_FILE_CASES)


@pytest.mark.parametrize("case", CASES)
def test_what_is_in_the_file_is_what_is_read(case, cases, tmp_path, caplog):
    caplog.set_level(logging.INFO)
    folder = cases / case
    expected = raw_file_cases.expected_of(folder)
    name = expected["scene"]
    (tmp_path / name).symlink_to(folder / "raw")
    configuration = yaml.safe_load((folder / f"{name}.yml").read_text())[name]
    # The right readings tell the pixels on which every layer has data.
    configuration.setdefault("require", "all")
    try:
        scene = ingest(name, configuration, IngestSettings(folders=(str(tmp_path),)))
        if "prepare" in expected.get("run", []):
            settings = PreparationSettings()
            prepared = fit_preparation(scene, settings).apply(scene)
            for modality in expected.get("prepared_varies", []):
                assert prepared[modality].to_numpy().std() > 0
    except (SceneError, SettingsError) as error:
        raw_file_cases.check_error(str(error), expected, folder)
        return
    warnings = [r.getMessage() for r in caplog.records if r.levelno >= logging.WARNING]
    if raw_file_cases.warning_is_right(warnings, expected, folder):
        return
    raw_file_cases.check_scene(scene, expected, folder)
