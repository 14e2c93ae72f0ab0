"""What is typed behind `--params`: as Kedro reads it, and lists and mappings too."""

from typing import Any

import click
import pytest
from hypothesis import given
from hypothesis import strategies as st
from kedro.framework.cli.utils import _split_params

from bdgf.core.errors import SettingsError
from bdgf.framework.runtime_params import parse_params


def as_kedro(text: str) -> Any:
    """What Kedro's own option makes of it."""
    return _split_params(click.Context(click.Command("run")), click.Option(["--params"]), text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "dataset=trento,seed=3,train.epochs=20",
        " dataset = trento , seed = 3 ,, ",
        "a=1,b=0.5,c=1e-3,d=true,e=False,f=null,g=,h=text,i=-1",
        "inference.decision=branch:cnn,features.source=data/mine (2).h5",
        "a=it's,b=x[1,c={",
        "a='quoted',b=[1],c={d: 1}",
        "a.b=1,a.c=2,a.b=3",
        "a=x=y",
        "split.buffer=~,when=2024-01-01",
    ],
)
def test_what_kedro_takes_is_taken_as_kedro_takes_it(text: str) -> None:
    try:
        expected = as_kedro(text)
    except Exception:
        with pytest.raises(SettingsError, match="--params"):
            parse_params([text])
    else:
        assert repr(parse_params([text])) == repr(expected)


@given(st.text(alphabet="ab.=, 01e-:_'\"[]{}$~", max_size=12))
def test_nothing_that_kedro_takes_changes(text: str) -> None:
    try:
        expected = as_kedro(text)
    except Exception:
        return
    assert repr(parse_params([text])) == repr(expected)


@pytest.mark.parametrize(
    ("typed", "parsed"),
    [
        (["split.classes=[1,2]"], {"split": {"classes": [1, 2]}}),
        (["a=[1, [2, 3]],b=4"], {"a": [1, [2, 3]], "b": 4}),
        (["a={b: 1, c: [x, null]},d=true"], {"a": {"b": 1, "c": ["x", None]}, "d": True}),
        (['a={"b": [1, 2.5], "c": "x, y"}'], {"a": {"b": [1, 2.5], "c": "x, y"}}),
        (["a='it''s, so',b=1"], {"a": "it's, so", "b": 1}),
        (['a="[1, 2",b=]'], None),
        (["a=${globals:x, 1},b=2"], {"a": "${globals:x, 1}", "b": 2}),
        (["dataset=1e3,seed=1"], {"dataset": "1e3", "seed": 1}),
        (["dataset=no", "seed=1e3"], {"dataset": "no", "seed": 1000.0}),
        (["dataset=it's,seed=1"], {"dataset": "it's", "seed": 1}),
        (["dataset='010',seed=1"], {"dataset": "010", "seed": 1}),
        (["a=1", "b.c=[1,2]", "a=2,b.d=3"], {"a": 2, "b": {"c": [1, 2], "d": 3}}),
        ([], {}),
    ],
)
def test_commas_inside_brackets_braces_and_quotes_do_not_split(
    typed: list[str], parsed: dict[str, Any] | None
) -> None:
    if parsed is None:
        with pytest.raises(SettingsError):
            parse_params(typed)
    else:
        assert parse_params(typed) == parsed


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("train.epochs", "'train.epochs' is not of the form name=value"),
        ("=3", "'=3' is not of the form name=value"),
        ("a=1,2", "'2' is not of the form name=value"),
        ("a=[1,b=2", r"'a=\[1,b=2' cannot be read: expected ',' or '\]'"),
        ("a='x,b=1", "cannot be read"),
        ("a=[1]x", "cannot be read"),
        ("a=@x,b=1", "'a=@x' cannot be read"),
        ("a=${x", "cannot be read"),
        ("[a=1", r"'\[a=1' cannot be read"),
    ],
)
def test_wrong_syntax_is_told_in_one_line(text: str, told: str) -> None:
    with pytest.raises(SettingsError, match=told) as error:
        parse_params([text])
    assert "\n" not in str(error.value)
