import pytest

from bdgf.scenes.modality_forms import alike, all_alike, listed
from bdgf.scenes.scene_windows import ModalityForm

HEIGHT = ModalityForm("auxiliary", "m", "linear", 1)
RADAR = ModalityForm("auxiliary", "", "log", 2)


@pytest.mark.parametrize(
    ("other", "expected"),
    [
        (ModalityForm("auxiliary", "m", "linear", 1), True),
        (ModalityForm("auxiliary", "", "linear", 1), True),  # nobody said
        (ModalityForm("auxiliary", "feet", "linear", 1), False),
        (ModalityForm("auxiliary", "m", "linear", 2), False),
        (ModalityForm("auxiliary", "m", "log", 1), False),
        (ModalityForm("spectral", "m", "linear", 1), False),
    ],
)
def test_numbers_are_of_one_kind_or_not(other, expected):
    assert alike(HEIGHT, other) == alike(other, HEIGHT) == expected


def test_some_of_what_is_wanted_is_alike_and_more_is_not():
    wanted = {"height": HEIGHT, "sar": RADAR}
    assert all_alike({"sar": RADAR}, wanted)
    assert not all_alike({"sar": HEIGHT}, wanted)
    assert not all_alike({"radar": RADAR}, wanted)


def test_a_message_lists_kind_bands_and_units():
    told = listed({"height": HEIGHT, "sar": RADAR})
    assert told == "height (auxiliary, 1 band, m), sar (auxiliary, 2 bands, no units, to decibels)"
