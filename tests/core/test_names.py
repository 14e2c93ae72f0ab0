import pytest

from bdgf.core.names import name_problem


@pytest.mark.parametrize("name", ["coast", "2013", "São Paulo", "a.b-c_d+1", "北京", "no"])
def test_names_of_any_alphabet_are_taken(name: str) -> None:
    assert name_problem(name) is None


@pytest.mark.parametrize(
    "name",
    [
        "x" * 101,
        "",
        ".",
        "..",
        "../../x",
        "a/b",
        "a\\..\\b",
        "/etc",
        "C:x",
        "coast@paper",
        ".hidden",
        " a",
        "a\n",
        "a\0b",
    ],
)
def test_names_that_lead_elsewhere_are_not(name: str) -> None:
    assert name_problem(name)
