"""Compares a scene that was read with what a case of `shared/cases` says is right."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr
from rasterio.transform import rowcol

from bdgf.scenes.scene import georeference, modality_names, valid_mask

GENERATOR = Path(__file__).resolve().parents[3] / "shared/cases/raw_file_cases.py"
_TOLERANCE = {"rtol": 1e-5, "atol": 1e-5}  # float32, as the cases say


def write_cases(folder: Path, *names: str) -> Path:
    """Writes the cases of these names, or all; skips where the generator is not there."""
    if not GENERATOR.is_file():
        pytest.skip(f"the generator {GENERATOR} is not there")
    subprocess.run([sys.executable, GENERATOR, folder, *names], check=True, capture_output=True)
    return folder


def expected_of(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "expected.json").read_text(encoding="utf-8"))


def check_error(line: str, expected: dict[str, Any], folder: Path) -> None:
    """The one line of an error is an accepted outcome and says what it must."""
    assert "error" in expected["accept"], line
    assert "\n" not in line
    _check_words(line, expected.get("or_error_contains", []), expected, folder)
    if bands := expected.get("or_error_names_bands"):
        named = {
            n
            for first, last in re.findall(r"\b(\d+)(?:-(\d+))?\b", line)
            for n in range(int(first), int(last or first) + 1)
        }
        assert set(bands) <= named, line


def warning_is_right(lines: list[str], expected: dict[str, Any], folder: Path) -> bool:
    """Whether one of the warnings is an accepted outcome."""
    if "warning" not in expected["accept"]:
        return False
    for line in lines:
        try:
            _check_words(line, expected["or_warning_contains"], expected, folder)
        except AssertionError:
            continue
        return True
    return False


def check_scene(scene: xr.Dataset, expected: dict[str, Any], folder: Path) -> None:
    """The scene is what the case says."""
    invalid = [tuple(place) for place in np.argwhere(~valid_mask(scene)).tolist()]
    assert sorted(invalid) == sorted(tuple(p) for p in expected.get("valid_false", []))
    assert set(expected.get("bands", {})) <= set(modality_names(scene))
    for name, count in expected.get("bands", {}).items():
        assert scene.sizes[f"band_{name}"] == count
    valid = valid_mask(scene)
    for name, file in expected.get("arrays", {}).items():
        right = np.load(folder / file)
        np.testing.assert_allclose(scene[name].to_numpy()[valid], right[valid], **_TOLERANCE)
    for key in ("labels", "official_train", "official_test"):
        if file := expected.get(f"{key}_equal"):
            np.testing.assert_array_equal(scene[key], np.load(folder / file))
    _check_place(scene, expected)


def _check_place(scene: xr.Dataset, expected: dict[str, Any]) -> None:
    crs, transform = georeference(scene)
    if "transform" in expected:
        np.testing.assert_allclose(tuple(transform)[:6], expected["transform"], atol=1e-3)
    if "crs" in expected:
        assert f"EPSG:{crs.to_epsg()}" == expected["crs"]
    for place in expected.get("at", []):
        row, column = rowcol(transform, *place["xy"])
        assert scene["labels"].to_numpy()[row, column] == place["labels"]
        for name, values in place["values"].items():
            np.testing.assert_allclose(scene[name].to_numpy()[row, column], values, **_TOLERANCE)


def _check_words(line: str, words: list[str], expected: dict[str, Any], folder: Path) -> None:
    plain = line.lower()
    for word in words:
        text = plain
        if expected["scene"].lower() not in word.lower():
            text = text.replace(str(folder).lower(), "").replace(expected["scene"].lower(), "")
        assert any(choice in text for choice in word.lower().split("|")), (word, line)
