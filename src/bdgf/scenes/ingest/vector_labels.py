"""Labels as polygons or points: their classes, and their pixels on the scene's grid."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from bdgf.core.errors import SceneError
from bdgf.scenes.config import LandCoverClass, SceneConfig
from bdgf.scenes.ingest.burning import Burned, are_outside, burn, on_grid
from bdgf.scenes.ingest.found_array import FoundArray
from bdgf.scenes.ingest.label_marks import ids_by_name, ids_by_number, plain_name
from bdgf.scenes.ingest.polygon_groups import polygon_groups
from bdgf.scenes.readers.vectors import ClassValue
from bdgf.scenes.sources import LabelSource

if TYPE_CHECKING:
    from affine import Affine
    from rasterio.crs import CRS

log = logging.getLogger(__name__)

_MAX_ID = 255  # labels are uint8
_SHAPES = ("Point", "MultiPoint", "Polygon", "MultiPolygon")
_MOST = 10  # classes and values that a message lists
_CRS_HINT = "; where its system is another, say which with `crs:`"


@dataclass(frozen=True)
class Grid:
    """Where a scene's pixels lie; system and transform are None where it has none."""

    crs: CRS | None
    transform: Affine | None
    size: tuple[int, int]


@dataclass(frozen=True)
class VectorLabels:
    """Labels that were polygons or points.

    Attributes:
        maps: "labels", "official_train", "official_test", as far as these are vectors -> (H, W)
            uint8 class ids, 0 = unlabelled; 1 where a mask chooses.
        groups: (H, W) int32, which polygon or point a pixel belongs to, from 1; 0 none. Those of
            one class that share pixels are one. None where no vectors tell classes.
        config: The scene's configuration with the classes that the vectors name where it had none.
    """

    maps: dict[str, np.ndarray]
    groups: np.ndarray | None
    config: SceneConfig


def vector_labels(
    found: Mapping[str, FoundArray[LabelSource]], config: SceneConfig, grid: Grid
) -> VectorLabels:
    """Burns a scene's polygons and points into its grid.

    Args:
        found: Those of the scene's label files that hold vectors, "labels" first.
        config: The scene's configuration.
        grid: The scene's grid.

    Raises:
        SceneError: The scene has no place on the Earth, all features lie outside, a class is
            unknown, shapes are neither polygons nor points, or different classes overlap.
    """
    config = _with_classes(found, config)
    maps, burned = {}, {}
    for item, one in found.items():
        ids = _ids(one, config)
        kept = np.flatnonzero(ids > 0)
        on = _burn(one, ids, kept, config, grid)
        of_owner = np.concatenate([[0], ids[kept]]).astype(np.uint8)
        maps[item] = of_owner[on.owners]
        if one.source.form != "mask":
            burned[item] = on, ids[kept]
    groups = polygon_groups(list(burned.values())) if burned else None
    return VectorLabels(maps, groups, config)


def _with_classes(found: Mapping[str, FoundArray[LabelSource]], config: SceneConfig) -> SceneConfig:
    """The configuration, with classes by the sorted names of all files where it has none."""
    if config.classes:
        return config
    unlabelled = ids_by_name(config)
    values = [value for one in found.values() for value in _values(one) if value is not None]
    if all(_number(value) is not None for value in values):
        return config  # the numbers are the ids
    words = {value if isinstance(value, str) else f"{value:g}" for value in values}
    names = sorted(word for word in words if plain_name(word) not in unlabelled)
    names = [name for name in names if _number(name) not in _unlabelled_numbers(config)]
    if len(names) > _MAX_ID:
        about = next(iter(found.values())).about
        raise SceneError(
            f"{about}: {len(names)} different names of classes, but at most {_MAX_ID} can be "
            "stored; choose another `class_field`, or list the `classes`"
        )
    log.info("the classes are the names of the polygons or points: %s", ", ".join(names))
    classes = tuple(LandCoverClass(id=i, name=name) for i, name in enumerate(names, 1))
    return config.model_copy(update={"classes": classes})


def _values(found: FoundArray[LabelSource]) -> tuple[ClassValue, ...]:
    assert found.vectors is not None
    return () if found.source.form == "mask" else found.vectors.classes


def _ids(found: FoundArray[LabelSource], config: SceneConfig) -> np.ndarray:
    """(n,) int64: the class id of each feature, 0 of those without a class; 1 of a mask.

    Raises:
        SceneError: Values are those of no class; lists them.
    """
    assert found.vectors is not None
    if found.source.form == "mask":
        return np.ones(len(found.vectors.classes), np.int64)
    numbers, names = ids_by_number(config.classes), ids_by_name(config)
    numbers |= dict.fromkeys(_unlabelled_numbers(config), 0)
    unknown: Counter[str] = Counter()
    ids = np.zeros(len(found.vectors.classes), np.int64)
    for position, value in enumerate(found.vectors.classes):
        if value is None:
            continue
        number = _number(value)
        known = names.get(plain_name(value)) if isinstance(value, str) else None
        if known is None and number is not None:
            known = numbers.get(number)
            is_id = number.is_integer() and 1 <= number <= _MAX_ID
            if known is None and not config.classes and is_id:
                known = int(number)
        if known is None:
            unknown[value if isinstance(value, str) else f"{value:g}"] += 1
        else:
            ids[position] = known
    if unknown:
        listed = ", ".join(f"'{value}' ({n})" for value, n in sorted(unknown.items())[:_MOST])
        more = f" and {len(unknown) - _MOST} other values" if len(unknown) > _MOST else ""
        have = ", ".join(c.name for c in config.classes) or f"the numbers 1 to {_MAX_ID}"
        raise SceneError(
            f"{found.about} holds {listed}{more}, which match no class (known: {have}); list each "
            "value under the `values` of its class, or under `unlabelled`"
        )
    if without := sum(value is None for value in found.vectors.classes):
        log.warning("%s: %d polygons or points have no class: left out", found.about, without)
    return ids


def _number(value: ClassValue) -> float | None:
    """A number, also as a text writes it; None of a name."""
    try:
        number = float(value) if value is not None else np.nan
    except ValueError:
        return None
    return number if np.isfinite(number) else None


def _unlabelled_numbers(config: SceneConfig) -> set[float]:
    of_class = ids_by_number(config.classes)
    return {v for v in config.unlabelled if not isinstance(v, str) and v not in of_class}


def _burn(
    found: FoundArray[LabelSource],
    ids: np.ndarray,
    kept: np.ndarray,
    config: SceneConfig,
    grid: Grid,
) -> Burned:
    """Burns the features at the indices `kept`, and logs the skipped ones."""
    if grid.crs is None or grid.transform is None:
        lacks = "coordinate reference system" if grid.crs is None else "transform"
        raise SceneError(
            f"{found.about} needs a scene with a georeference, but its images have no "
            f"{lacks}; give them as GeoTIFFs, or the labels as a raster"
        )
    crs = _crs(found) or grid.crs
    shapes = on_grid(_shapes(found)[kept], crs, (grid.crs, grid.transform, grid.size))
    outside = are_outside(shapes, grid.size)
    if outside.all():
        name = crs.to_string() if len(crs.to_string()) < 20 else "its system"
        raise SceneError(
            f"{found.about}: none of its {len(kept)} polygons or points with a class lies on the "
            f"scene (read as {name}){_CRS_HINT}"
        )
    if outside.any():
        log.warning(
            "%s: %d of %d polygons or points lie outside the scene: left out",
            *(found.about, outside.sum(), len(kept)),
        )
    shapes[outside] = _nothing()
    burned = burn(shapes, ids[kept], grid.size)
    if bare := burned.bare - int(outside.sum()):
        log.warning("%s: %d polygons hold no pixel's centre and label nothing", found.about, bare)
    if burned.mixed:
        _refuse(found, burned, config)
    if not burned.owners.any():
        raise SceneError(
            f"{found.about}: its polygons hold no pixel's centre, so that nothing is labelled; "
            "draw larger ones, or give points"
        )
    return burned


def _nothing() -> object:
    import shapely

    return shapely.MultiPoint()


def _shapes(found: FoundArray[LabelSource]) -> np.ndarray:
    """(n,) geometries; empty ones where there is none."""
    import shapely

    assert found.vectors is not None
    try:
        read = shapely.from_wkb([shape or None for shape in found.vectors.shapes])
    except shapely.errors.GEOSException as error:
        raise SceneError(
            f"{found.about}: a shape is damaged ({' '.join(str(error).split())}); write the file "
            "again"
        ) from error
    shapes = np.asarray(read, object)
    empty = shapely.is_missing(shapes) | shapely.is_empty(shapes)
    kinds = Counter(shape.geom_type for shape in shapes[~empty])
    if wrong := {kind: n for kind, n in kinds.items() if kind not in _SHAPES}:
        listed = ", ".join(f"{n} {kind}" for kind, n in sorted(wrong.items()))
        raise SceneError(
            f"{found.about} holds {listed}, but labels are polygons or points; choose another "
            "`layer`, or convert them"
        )
    if empty.any():
        log.warning("%s: %d features have no shape: left out", found.about, empty.sum())
    shapes[empty] = _nothing()
    if crossed := int((~shapely.is_valid(shapes)).sum()):
        log.warning(
            "%s: %d polygons cross themselves; what their lines enclose an even number of times is "
            "outside",
            *(found.about, crossed),
        )
    return shapes


def _crs(found: FoundArray[LabelSource]) -> CRS | None:
    """The vectors' system: that of the scene's file before the vector file's own."""
    from rasterio.crs import CRS
    from rasterio.errors import CRSError

    assert found.vectors is not None
    said, own = found.source.crs, found.vectors.crs
    if (text := said or own) is None:
        log.info("%s names no reference system: taken to be the scene's", found.about)
        return None
    try:
        crs = CRS.from_user_input(text)
        differs = said and own and CRS.from_user_input(own) != crs
    except CRSError as error:
        raise SceneError(
            f"{found.about}: '{text[:60]}' is not a known coordinate reference system; "
            "give a code, such as `crs: EPSG:32632`"
        ) from error
    if differs:
        log.warning("%s: the file says %.60s; `crs: %s` counts", found.about, own, said)
    return crs


def _refuse(found: FoundArray[LabelSource], burned: Burned, config: SceneConfig) -> None:
    names = {c.id: c.name for c in config.classes}
    listed = ", ".join(
        f"{names.get(one, one)} and {names.get(other, other)} {pixels}"
        for (one, other), pixels in burned.mixed.most_common(_MOST)
    )
    more = f" and {len(burned.mixed) - _MOST} other pairs" if len(burned.mixed) > _MOST else ""
    raise SceneError(
        f"{found.about}: {int(burned.conflicts.sum())} pixels lie in polygons or points of "
        f"different classes ({listed}{more}); a pixel has one class: correct the shapes"
    )
