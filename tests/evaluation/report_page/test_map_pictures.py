"""The maps of a report, read back from their images."""

import io
from base64 import b64decode

import numpy as np
from PIL import Image

from bdgf.evaluation.report_page.map_pictures import agreement, map_pictures
from bdgf.splits.parts import TEST
from tests.evaluation.report_page.small_result import CLASSES, small_result


def image(picture):
    kind, _, content = picture.source.partition(",")
    assert kind == "data:image/png;base64"
    return np.asarray(Image.open(io.BytesIO(b64decode(content))).convert("RGB"))


def pictures(result):
    return {picture.title: picture for picture in map_pictures(result).pictures}


def rgb(color):
    return [int(color[i : i + 2], 16) for i in (1, 3, 5)]


def test_the_class_map_has_the_classes_colours():
    result = small_result()
    drawn = image(pictures(result)["class map"])
    for class_id, color in zip(CLASSES.ids, CLASSES.colors, strict=True):
        assert (drawn[result.class_map == class_id] == rgb(color)).all()


def test_errors_are_drawn_where_the_scored_labels_differ():
    result = small_result()
    picture = pictures(result)["errors at the scored pixels"]
    colors = dict(picture.legend)
    drawn = image(picture)
    scored = (result.split == TEST) & (result.labels > 0)
    wrong = scored & (result.labels != result.class_map)
    assert (drawn[wrong] == rgb(colors["wrong"])).all()
    assert (drawn[scored & ~wrong] == rgb(colors["correct"])).all()
    assert (drawn[result.labels == 0] == 255).all()
    assert wrong.any()


def test_agreement_counts_branches_that_say_what_the_map_says():
    result = small_result()
    other = result.class_map % 3 + 1
    result = small_result(votes={"a": result.class_map, "b": other, "c": result.class_map})
    assert (agreement(result) == 2).all()
    assert [text for text, _ in pictures(result)["agreement of the branches"].legend] == ["2 of 3"]


def test_pixels_without_data_are_white():
    result = small_result()
    uncertainty = result.uncertainty.copy()
    uncertainty[0] = np.nan
    drawn = image(pictures(small_result(uncertainty=uncertainty))["uncertainty"])
    assert (drawn[0] == 255).all()
    assert (drawn[1:] != 255).any(axis=2).all()
