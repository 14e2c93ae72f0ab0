import io

import numpy as np
import pytest
from matplotlib.image import imread

from bdgf.evaluation.scene_check.quick_look import quick_look
from tests.evaluation.scene_check.planted import demo


def drawn(scene):
    figure = quick_look(scene, "A title")
    file = io.BytesIO()
    figure.savefig(file, format="png")
    file.seek(0)
    return figure, imread(file)


def test_every_modality_and_the_labels_with_their_legend():
    figure, image = drawn(demo())
    titles = [axis.get_title() for axis in figure.axes if axis.images]
    assert [title.partition(":")[0] for title in titles] == ["optical", "height", "sar", "labels"]
    legend = [text.get_text() for text in figure.legends[0].get_texts()]
    assert legend == ["water", "grass", "trees", "crops", "buildings", "roads", "unlabelled"]
    assert image.shape[0] > 200


def test_what_has_no_data_is_grey():
    figure, _ = drawn(demo())
    shown = np.asarray(figure.axes[0].images[0].get_array())
    assert shown[0, 0] == pytest.approx(0.75)
    assert shown.min() == 0
    assert shown.max() == 1


@pytest.mark.slow
def test_a_large_scene_is_thinned():
    scene = demo().isel(y=np.arange(2000) % 96, x=np.arange(1000) % 96)
    figure, _ = drawn(scene)
    assert max(figure.axes[0].images[0].get_array().shape) <= 900
