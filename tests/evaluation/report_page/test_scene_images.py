"""What was mapped, as people see it, read by windows."""

import numpy as np
import pytest

from bdgf.evaluation.report_page import scene_images as module
from bdgf.evaluation.report_page.scene_images import scene_images
from bdgf.evaluation.scene_check.quick_look import false_colours
from bdgf.scenes.masks import modality_mask
from bdgf.scenes.scene_windows import DatasetWindows
from bdgf.scenes.synthetic.scene import DemoSettings, make_demo_scene


@pytest.mark.parametrize("rows", [1, 7, 64])
@pytest.mark.parametrize("step", [1, 3, 9])
def test_read_by_strips_it_is_the_image_of_the_whole(monkeypatch, step, rows):
    monkeypatch.setattr(module, "rows_within", lambda values: rows)
    scene = make_demo_scene(DemoSettings(size=48))
    images = scene_images(DatasetWindows(scene), step)
    assert list(images) == [
        *("optical, bands 38, 24, 9 of 0-47", "height, 1 band", "sar, bands 0, 1 of 0-1"),
    ]
    for title, image in images.items():
        name = title.partition(",")[0]
        whole, _ = false_colours(scene[name], modality_mask(scene, name), step)
        np.testing.assert_allclose(image, whole)
