"""What a reader of polygons or points hands over, and what it is asked for."""

from __future__ import annotations

from dataclasses import dataclass

ClassValue = str | float | None
"""The class of a feature as a file writes it: a name, a number, or none."""


@dataclass(frozen=True)
class VectorQuery:
    """Which features of a file are wanted, and where their classes are.

    Attributes:
        layer: Layer of the file; None takes the only one.
        class_field: Field that holds the classes; None takes the only one.
        with_classes: Whether classes are read at all.
        columns: "x", "y" and "class" -> a column's name, of a table of points; None of a file with
            geometries.
    """

    layer: str | None = None
    class_field: str | None = None
    with_classes: bool = True
    columns: dict[str, str] | None = None


@dataclass(frozen=True)
class Vectors:
    """Polygons and points as a file holds them.

    Attributes:
        shapes: The geometry of each feature as well-known binary (WKB), b"" where it has none.
        classes: The class of each feature; all None where classes were not asked for.
        crs: Coordinate reference system as a code or as WKT, where the file names one.
    """

    shapes: tuple[bytes, ...]
    classes: tuple[ClassValue, ...]
    crs: str | None = None

    def __post_init__(self) -> None:
        """Checks that each feature has its class."""
        if len(self.shapes) != len(self.classes):
            raise ValueError(f"{len(self.shapes)} shapes, but {len(self.classes)} classes")
