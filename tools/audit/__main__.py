"""`make audit`: licences and known weaknesses of the pinned closure.

python -m tools.audit             # both; exit 1: something is wrong, 3: not all was checked
python -m tools.audit --licences  # docs/contributing/licences.md anew, nothing else
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

from tools.audit.advisories import Advisories, advisories
from tools.audit.licences import licences, page
from tools.audit.pins import CONSTRAINTS, pins

PAGE = Path(__file__).resolve().parents[2] / "docs" / "contributing" / "licences.md"
WRONG, UNCHECKED = 1, 3
_SHOWN = 5


def write_page() -> int:
    """Writes docs/contributing/licences.md."""
    found, absent = licences(pins())
    if absent:
        print(f"not installed, so their licences are not known: {', '.join(absent)}")
        print("install all extras first: make audit does")
        return UNCHECKED
    PAGE.write_text(page(found))
    print(f"written: {PAGE}")
    return 0


def audit(ask: Callable[[], Advisories] | None = None) -> int:
    """Tells what is wrong and what could not be checked.

    Args:
        ask: Gives the advisories; pip-audit where None.

    Returns:
        The exit code: 0 only where every package was checked and none is wrong.
    """
    pinned = pins()
    found, absent = licences(pinned)
    refused = [x for x in found if x.refused]
    for x in refused:
        print(f"licence not allowed: {x.package} {x.version}: {x.expression} ({x.source})")
    if absent:
        print(f"LICENCES NOT CHECKED of what is not installed: {', '.join(absent)}")
    print(f"licences: {len(found)} of {len(pinned)} checked, {len(refused)} not allowed")

    told = ask() if ask else advisories(CONSTRAINTS, pinned)
    for line in told.weak:
        print(f"known weakness: {line}")
    if told.unchecked:
        some = [f"{name} ({why})" for name, why in list(told.unchecked.items())[:_SHOWN]]
        more = len(told.unchecked) - len(some)
        print(
            f"ADVISORIES NOT CHECKED for {len(told.unchecked)} of {len(pinned)} packages: nothing "
            f"is known about them, which is not to say that they are sound: {'; '.join(some)}"
            + (f"; and {more} more" if more else "")
        )
    print(f"advisories: {told.checked} of {len(pinned)} checked, {len(told.weak)} known weaknesses")
    if refused or told.weak:
        return WRONG
    return UNCHECKED if absent or told.unchecked else 0


if __name__ == "__main__":
    sys.exit(write_page() if sys.argv[1:] == ["--licences"] else audit())
