"""Licences of the pinned closure, by what each package says of itself."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib import metadata

ALLOWED = frozenset(
    {
        *("0BSD", "BSD-2-Clause", "BSD-3-Clause", "BSL-1.0", "ISC", "MIT", "MIT-0", "MIT-CMU"),
        *("Apache-2.0", "CC0-1.0", "CNRI-Python", "PSF-2.0", "Zlib", "LLVM-exception"),
        # Of files, not of what uses them: they may be used, and changes to them are to be shown.
        "MPL-2.0",
        "Artistic-1.0-Perl",
        # Said to be given to everybody.
        "LicenseRef-Public-Domain",
        # A BSD licence that does not say with which clauses: both of them are allowed.
        "BSD",
    }
)
"""SPDX names of the licences that a user of this project may be asked to accept."""

TOLD_ELSEWHERE = {
    "cookiecutter": ("BSD-3-Clause", "its file LICENSE"),
    "huey": ("MIT", "its file LICENSE"),
    "skops": ("MIT", "its file LICENSE"),
}
"""Packages whose metadata name no licence -> the licence, and where it stands."""

_SPDX = {
    "apache": "Apache-2.0",
    "apache 2.0": "Apache-2.0",
    "apache-2.0": "Apache-2.0",
    "apache 2.0 license": "Apache-2.0",
    "apache software license": "Apache-2.0",
    "apache software license (apache 2.0)": "Apache-2.0",
    "artistic license": "Artistic-1.0-Perl",
    "2-clause bsd": "BSD-2-Clause",
    "bsd 2-clause license": "BSD-2-Clause",
    "3-clause bsd license": "BSD-3-Clause",
    "bsd 3-clause license": "BSD-3-Clause",
    "bsd 3-clause": "BSD-3-Clause",
    "bsd": "BSD",
    "bsd license": "BSD",
    "new bsd": "BSD-3-Clause",
    "isc license": "ISC",
    "isc license (iscl)": "ISC",
    "mit license": "MIT",
    "mozilla public license 2.0 (mpl 2.0)": "MPL-2.0",
    "public domain": "LicenseRef-Public-Domain",
    "python software foundation license": "PSF-2.0",
}
_EXPRESSION = re.compile(r"[A-Za-z0-9.+-]+|[()]")
_CLASSIFIER = "License :: "
_WORDS_OF_EXPRESSIONS = {"AND", "OR", "WITH", "(", ")"}


_PAGE = """# Licences

Made by `make licences` from the metadata of the packages in constraints.txt: what runs, and what
testing, benchmarks and audits need besides. `make audit` compares them with the list of those
allowed (tools/audit/licences.py), and refuses a package that names another one, or none.

Allowed: {allowed}. `BSD` is a package's own word where it does not say which.

| package | version | licence | named in |
| --- | --- | --- | --- |
{rows}
"""


@dataclass(frozen=True)
class Licence:
    """The licence of a package.

    Attributes:
        package: Its name.
        version: Its pinned version.
        expression: SPDX expression; "unknown" where nothing is said.
        source: Where that is said.
    """

    package: str
    version: str
    expression: str
    source: str

    @property
    def refused(self) -> list[str]:
        """The names in the expression that are not on the list."""
        names = set(_EXPRESSION.findall(self.expression)) - _WORDS_OF_EXPRESSIONS
        return sorted(names - ALLOWED)


def licence(package: str, version: str) -> Licence:
    """The licence that an installed package names.

    Raises:
        importlib.metadata.PackageNotFoundError: It is not installed.
    """
    if package in TOLD_ELSEWHERE:
        metadata.distribution(package)
        return Licence(package, version, *TOLD_ELSEWHERE[package])
    about = metadata.metadata(package)
    if expression := about.get_all("License-Expression"):
        return Licence(package, version, expression[0], "License-Expression")
    text = (about.get_all("License") or [""])[0].strip()
    if known := _known(text):
        return Licence(package, version, known, "License")
    told = (_known(line.split(" :: ")[-1]) for line in about.get_all("Classifier") or [] if
            line.startswith(_CLASSIFIER))  # fmt: skip
    names = sorted({name for name in told if name})
    return Licence(package, version, " AND ".join(names) or "unknown", "classifiers")


def _known(text: str) -> str | None:
    if text.lower() in _SPDX:
        return _SPDX[text.lower()]
    names = set(_EXPRESSION.findall(text))
    return text if names and names <= ALLOWED | _WORDS_OF_EXPRESSIONS else None


def licences(pinned: Mapping[str, str]) -> tuple[list[Licence], list[str]]:
    """Licences of the packages that are installed, and the names of those that are not."""
    found, absent = [], []
    for package, version in pinned.items():
        try:
            found.append(licence(package, version))
        except metadata.PackageNotFoundError:
            absent.append(package)
    return found, absent


def page(found: Iterable[Licence]) -> str:
    """docs/contributing/licences.md."""
    rows = [f"| {x.package} | {x.version} | {x.expression} | {x.source} |" for x in found]
    allowed = ", ".join(sorted(ALLOWED))
    return _PAGE.format(allowed=allowed, rows="\n".join(rows))
