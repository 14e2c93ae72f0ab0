"""Golden metrics: what the demo scene gives today, so that no change moves it unnoticed.

Counts, names and the split must be equal. Measures may differ a little: another processor, or
another version of a library, rounds differently, and a training carries that to pixels near a
border of classes. (From SSE to AVX-512 nothing changed before the seventh digit.) A change that is
meant is taken over by `make golden`; its size is then part of the review.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "golden"
TOLERANCE = 0.01
"""Of measures and of shares of the confusion matrix: two pixels of the smallest class."""


@dataclass(frozen=True)
class GoldenMetrics:
    """Compares metrics with the golden files, or renews these.

    Attributes:
        renew: Whether what is measured becomes golden.
        folder: Where the files are.
    """

    renew: bool = False
    folder: Path = FOLDER

    def check(self, name: str, metrics: Mapping[str, Any]) -> None:
        path = self.folder / f"{name}_metrics.json"
        if self.renew:
            path.parent.mkdir(exist_ok=True)
            path.write_text(json.dumps(metrics, indent=1) + "\n")
        different = differences(json.loads(path.read_text()), metrics)
        told = [f"not as in {path.name}; if that is meant: make golden", *different]
        assert not different, "\n".join(told)


def differences(golden: Mapping[str, Any], metrics: Mapping[str, Any]) -> list[str]:
    """What of `metrics` is not as in `golden`, a line each."""
    wanted, found = flat(golden), flat(metrics)
    return [
        f"{name}: {found.get(name)} instead of {wanted.get(name)}"
        for name in sorted(wanted.keys() | found.keys())
        if not alike(wanted.get(name), found.get(name))
    ]


def alike(wanted: Any, found: Any) -> bool:
    """Whether two values are equal, or two measures nearly so."""
    if isinstance(wanted, float) and isinstance(found, float):
        return abs(wanted - found) <= TOLERANCE
    return type(wanted) is type(found) and wanted == found


def flat(metrics: Mapping[str, Any]) -> dict[str, Any]:
    """One level of names; the confusion matrix as shares of its rows, whose sums stand beside.

    The reliability is left out: one pixel that moves from bin to bin changes it at will. So are the
    lists of the decision, whose weights stand beside them by branch.
    """
    values: dict[str, Any] = {}
    for name, value in metrics.items():
        if name in ("reliability", "members", "shares"):
            continue
        if isinstance(value, Mapping):
            values |= {f"{name}.{key}": inner for key, inner in flat(value).items()}
        elif name == "confusion_matrix":
            for number, row in enumerate(value):
                values[f"{name}.{number}"] = sum(row)
                values |= {f"{name}.{number}.{i}": n / sum(row) for i, n in enumerate(row)}
        else:
            values[name] = value
    return values
