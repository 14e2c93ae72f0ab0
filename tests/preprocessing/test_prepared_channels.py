"""Where the channels of a prepared scene lie, and which of them are what."""

import numpy as np

from bdgf.core import mapped_file
from bdgf.preprocessing.preparation import fit_preparation
from bdgf.preprocessing.prepared_channels import (
    average_channels,
    channel_slices,
    count_averages,
    is_reduced,
    stack_channels,
    without_averages,
)
from bdgf.preprocessing.settings import PreparationSettings
from tests.preprocessing.small_scene import make_scene


def prepare(**changes):
    scene = make_scene()
    return fit_preparation(scene, PreparationSettings(**changes)).apply(scene)


def test_slices_follow_one_another_and_hold_each_modality():
    prepared = prepare(components=4)
    stacked, slices = stack_channels(prepared)
    assert list(slices) == ["optical", "height", "sar"]
    assert slices == channel_slices(prepared)
    for name, part in slices.items():
        np.testing.assert_array_equal(stacked[part], prepared[name])


def test_in_a_file_the_numbers_are_the_same():
    prepared = prepare(components=4)
    in_file, _ = stack_channels(prepared, resident_gib=0)
    assert isinstance(in_file, np.memmap) or in_file.base is not None
    np.testing.assert_array_equal(in_file, stack_channels(prepared)[0])
    mapped_file.release(in_file)


def test_averages_are_the_last_channels_of_a_modality_that_was_reduced():
    prepared = prepare(components=4, averages=3)
    assert is_reduced(prepared["optical"])
    assert [count_averages(prepared[name]) for name in channel_slices(prepared)] == [3, 0, 0]
    last = channel_slices(prepared)["optical"].stop
    assert average_channels(prepared) == (last - 3, last - 2, last - 1)
    own = np.concatenate([without_averages(prepared[name]) for name in channel_slices(prepared)])
    expected = np.delete(stack_channels(prepared)[0], average_channels(prepared), axis=0)
    np.testing.assert_array_equal(own, expected)


def test_bands_that_stay_have_no_averages():
    prepared = prepare(components=30)
    assert not is_reduced(prepared["optical"])
    assert average_channels(prepared) == ()
