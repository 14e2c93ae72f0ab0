"""Images as data URIs."""

import io
from base64 import b64decode

import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

from bdgf.evaluation.report_page.images import is_small, palette_png, rgb_png, svg, thinning


def opened(uri):
    return Image.open(io.BytesIO(b64decode(uri.partition(",")[2])))


def test_a_palette_image_has_its_indices_and_colours():
    values = np.array([[0, 1, 2], [2, 1, 0]], np.uint8)
    image = opened(palette_png(values, ["#ffffff", "#ff0000", "#0000ff"]))
    assert image.size == (3, 2)
    assert image.convert("RGB").getpixel((1, 0)) == (255, 0, 0)
    assert image.convert("RGB").getpixel((0, 1)) == (0, 0, 255)


def test_a_false_colour_image_is_near_what_it_shows_and_a_third_of_it():
    shown = np.random.default_rng(0).random((90, 90, 3))
    uri = rgb_png(shown)
    assert np.abs(np.asarray(opened(uri).convert("RGB")) / 255 - shown).mean() < 0.1
    assert len(uri) < 2 * 90 * 90


@pytest.mark.parametrize(("side", "step"), [(96, 1), (640, 1), (641, 2), (10_000, 16)])
def test_maps_are_thinned_to_what_is_seen(side, step):
    assert thinning((side, 10)) == step
    assert -(-side // step) <= 640


def test_small_maps_are_shown_as_squares():
    assert is_small((96, 96))
    assert not is_small((96, 640))


def test_equal_figures_are_equal_images():
    def drawn():
        figure = Figure(figsize=(2, 1))
        figure.add_subplot().plot([0, 1])
        return svg(figure)

    (one, size), (other, _) = drawn(), drawn()
    assert one == other
    assert size == (192, 96)
