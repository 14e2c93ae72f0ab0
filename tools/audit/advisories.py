"""Known weaknesses of the pinned closure, from the advisories of today, by pip-audit."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

_LAST_LINES = 1
SECONDS = 600
"""Time that the whole look-up may take."""


@dataclass(frozen=True)
class Advisories:
    """What the advisories say.

    Attributes:
        checked: Number of packages that were looked up.
        weak: One line for each known weakness.
        unchecked: Packages that could not be looked up -> why.
    """

    checked: int = 0
    weak: list[str] = field(default_factory=list)
    unchecked: dict[str, str] = field(default_factory=dict)


def advisories(requirements: Path, pinned: Mapping[str, str]) -> Advisories:
    """Asks PyPI's advisory database about every pinned package.

    pip-audit ends with success where it could look nothing up: each package's own answer counts.

    Args:
        requirements: The file of pins.
        pinned: What is in it.
    """
    command = [sys.executable, "-m", "pip_audit", "--requirement", str(requirements)]
    command += ["--no-deps", "--disable-pip", "--format", "json", "--progress-spinner", "off"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=SECONDS)
        answers = json.loads(done.stdout)["dependencies"]
    except subprocess.TimeoutExpired:
        return Advisories(unchecked=dict.fromkeys(pinned, f"no answer in {SECONDS} s"))
    except (ValueError, KeyError, TypeError):
        last = [line for line in done.stderr.splitlines() if line.strip()][-_LAST_LINES:]
        return Advisories(unchecked=dict.fromkeys(pinned, " ".join(last) or "no answer"))
    return read(answers, pinned)


def read(answers: list[dict[str, object]], pinned: Mapping[str, str]) -> Advisories:
    """What pip-audit's answers come to; a package without an answer is not checked."""
    from tools.audit.pins import normalised

    by_name = {normalised(str(answer["name"])): answer for answer in answers}
    result = Advisories(checked=0)
    checked = 0
    for package, version in pinned.items():
        answer = by_name.get(normalised(package), {"skip_reason": "pip-audit does not name it"})
        if "vulns" not in answer:
            result.unchecked[package] = str(answer.get("skip_reason"))
            continue
        checked += 1
        vulns: list[dict[str, object]] = answer["vulns"]  # type: ignore[assignment]
        for weakness in vulns:
            fixed = ", ".join(map(str, weakness.get("fix_versions") or [])) or "none yet"  # type: ignore[call-overload]
            result.weak.append(f"{package} {version}: {weakness['id']}, mended in {fixed}")
    return Advisories(checked, result.weak, result.unchecked)
