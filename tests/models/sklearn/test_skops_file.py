"""What is written of an estimator depends on the estimator alone."""

import io
import time
from copy import deepcopy
from typing import Any
from unittest.mock import patch
from zipfile import ZipFile

import numpy as np
import pytest
from sklearn.ensemble import RandomForestClassifier
from sklearn.svm import SVC
from skops.io import load

from bdgf.models.sklearn.skops_file import dump_estimator

PIXELS = np.random.default_rng(0).normal(size=(40, 3))
CLASSES = np.tile([1, 2], 20)
TEXT = '"__id__": 5, "file": "7.npy"'


def dumped(content: Any) -> bytes:
    file = io.BytesIO()
    dump_estimator(content, file)
    return file.getvalue()


@pytest.mark.parametrize("estimator", [RandomForestClassifier(3, random_state=0), SVC()])
def test_a_copy_at_another_time_has_the_same_bytes(estimator: Any) -> None:
    content = {"estimator": estimator.fit(PIXELS, CLASSES), "config": {"text": TEXT, "seed": 3}}
    first = dumped(content)
    later = time.localtime(time.time() + 1e6)
    with patch("time.localtime", return_value=later):  # what a zip asks
        assert dumped(deepcopy(content)) == first
    read = load(io.BytesIO(first), trusted=["sklearn.tree._tree.Tree"])
    assert np.array_equal(read["estimator"].predict(PIXELS), estimator.predict(PIXELS))
    assert read["config"] == content["config"]


def test_other_content_has_other_bytes() -> None:
    assert dumped({"seed": 3}) != dumped({"seed": 4})


def test_each_array_is_there_once_and_under_its_number() -> None:
    array = np.arange(6.0)
    with ZipFile(io.BytesIO(dumped([array, array, array + 1]))) as archive:
        assert archive.namelist() == ["1.npy", "2.npy", "schema.json"]
    first, second, third = load(io.BytesIO(dumped([array, array, array + 1])), trusted=[])
    assert np.array_equal(first, array)
    assert np.array_equal(second, array)
    assert np.array_equal(third, array + 1)
