"""The order of axes: brings every array to (rows, columns, bands), based on evidence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from bdgf.core.errors import SceneError
from bdgf.scenes.ingest.found_array import FoundArray
from bdgf.scenes.readers.raw_array import BAND, RawArray, X, Y

Order = tuple[str, ...]  # a name for each axis as stored
Shape = tuple[int, int]

_USUAL: dict[int, tuple[Order, ...]] = {2: ((Y, X),), 3: ((Y, X, BAND), (BAND, Y, X))}
_REVERSED: dict[int, tuple[Order, ...]] = {2: ((X, Y),), 3: ((BAND, X, Y),)}


def settle_axes(
    scene: str, found: Sequence[FoundArray[Any]], published: Shape | None
) -> tuple[Shape, list[FoundArray[Any]]]:
    """Puts the axes of all arrays into the order (y, x, band).

    An order is certain where the scene's file or the raw file names it. Of unnamed axes all orders
    are tried that the format is written in; the sizes of the other arrays decide. A plain HDF5
    file may have been written with reversed axes, but then all its arrays were.

    Args:
        scene: The scene's name, for messages.
        found: Its arrays.
        published: Published rows and columns; decides where the sizes leave a choice.

    Returns:
        Rows and columns, and the arrays with `values` (y, x, band).

    Raises:
        SceneError: Sizes differ, or two orders fit and nothing tells them apart; names the array
            and the setting that settles it.
    """
    named = [with_named_axes(item) for item in found]
    shape = _common_shape(scene, named, published)
    reversed_files = _reversed_files(named, shape)
    return shape, [
        replace(item, arrays=tuple(_settled(item, i, shape, reversed_files) for i in _each(item)))
        for item in named
    ]


def with_named_axes(item: FoundArray[Any]) -> FoundArray[Any]:
    """The arrays without needless axes of length 1, their axes named as far as they are known.

    Raises:
        SceneError: An array is no image.
    """
    return replace(item, arrays=tuple(_named(item, array) for array in item.arrays))


def as_rows_columns_bands(array: RawArray, order: Order) -> RawArray:
    """The array with its axes in the order (y, x, band); several band axes become one.

    Args:
        array: Any order of axes.
        order: Their names as stored.
    """
    bands = [i for i, name in enumerate(order) if name == BAND]
    axes = (order.index(Y), order.index(X), *bands)

    def turned(values: np.ndarray) -> np.ndarray:
        values = values.transpose(axes)
        return values if len(bands) == 1 else values.reshape(*values.shape[:2], -1)

    masked = array.masked
    if masked is not None and masked.ndim == array.values.ndim:  # else (y, x): hides all bands
        masked = turned(masked)
    return replace(array, values=turned(array.values), axes=(Y, X, BAND), masked=masked)


def _named(item: FoundArray[Any], array: RawArray) -> RawArray:
    """The array without needless axes of length 1, its axes named as far as they are known."""
    order = item.source.axes or array.axes
    values = array.values
    if order is not None and len(order) != values.ndim:
        raise SceneError(
            f"{item.about} is {_size(values.shape)}, but `axes` names {len(order)} axes "
            f"({', '.join(order)}); name each axis"
        )
    array = replace(array, masked=_whole_mask(array, order))
    order, array = _without_single(order, array)
    if array.values.ndim not in (2, 3) and not (order and order.count(BAND) > 1):
        named = f" with the axes {', '.join(order)}" if order else ""
        raise SceneError(
            f"{item.about} is {_size(array.values.shape)}{named}, not rows x columns or rows x "
            "columns x bands; choose another variable, or name its axes with `axes:` (axes that "
            "are all called band become one)"
        )
    if 0 in array.values.shape:
        raise SceneError(f"{item.about} is empty; choose another variable")
    if order is None:
        return replace(array, axes=None)
    return replace(array, axes=tuple(name if name in (Y, X) else BAND for name in order))


def _whole_mask(array: RawArray, order: Order | None) -> np.ndarray | None:
    """The mask with one axis for each of the values, where the user's axes overrule the file's."""
    if array.masked is None or order == array.axes or array.masked.ndim == array.values.ndim:
        return array.masked
    others = tuple(i for i, name in enumerate(array.axes or ()) if name not in (Y, X))
    return np.broadcast_to(np.expand_dims(array.masked, others), array.values.shape)


def _without_single(order: Order | None, array: RawArray) -> tuple[Order | None, RawArray]:
    """Drops axes of length 1 beyond three (an only time, say), the first ones first."""
    while array.values.ndim > 3:
        single = [
            i
            for i, length in enumerate(array.values.shape)
            if length == 1 and (order is None or order[i] not in (Y, X))
        ]
        if not single:
            break
        axis = single[0]
        whole = array.masked is not None and array.masked.ndim == array.values.ndim
        masked = array.masked.squeeze(axis) if whole and array.masked is not None else array.masked
        array = replace(array, values=array.values.squeeze(axis), masked=masked)
        order = order and (*order[:axis], *order[axis + 1 :])
    return order, array


def _orders(array: RawArray) -> tuple[Order, ...]:
    """The orders in which the axes may lie, the usual first."""
    if array.axes is not None:
        return (array.axes,)
    ndim = array.values.ndim
    return _USUAL[ndim] + (_REVERSED[ndim] if array.maybe_reversed else ())


def _pixels(array: RawArray, order: Order) -> Shape:
    return array.values.shape[order.index(Y)], array.values.shape[order.index(X)]


def _common_shape(scene: str, found: Sequence[FoundArray[Any]], published: Shape | None) -> Shape:
    shapes = [
        (item, array, [_pixels(array, order) for order in _orders(array)])
        for item in found
        for array in item.arrays
    ]
    common = set.intersection(*(set(possible) for _, _, possible in shapes))
    if published in common and published is not None:
        return published
    if common:
        return next(shape for shape in shapes[0][2] if shape in common)
    reference, array, possible = next((s for s in shapes if len(s[2]) == 1), shapes[0])
    for item, other, others in shapes:
        if possible[0] not in others:
            one = possible[0] if len(possible) == 1 else array.values.shape
            raise _differ(scene, reference, one, item, other)
    item, other, _ = shapes[-1]
    raise _differ(scene, reference, array.values.shape, item, other)


def _fitting(array: RawArray, shape: Shape) -> list[Order]:
    return [order for order in _orders(array) if _pixels(array, order) == shape]


def _is_reversed(order: Order) -> bool:
    return order.index(X) < order.index(Y)


def _reversed_files(found: Sequence[FoundArray[Any]], shape: Shape) -> dict[Path, bool]:
    """Whether a file has reversed axes, if anything indicates it."""
    told: dict[Path, bool] = {}
    unsure = []
    for item in found:
        for path, array in zip(item.paths, item.arrays, strict=True):
            unsure.append(path if array.maybe_reversed and array.axes is None else None)
            directions = {_is_reversed(order) for order in _fitting(array, shape)}
            if len(directions) == 1 and unsure[-1] is not None:
                told.setdefault(path, directions.pop())
    if len(set(unsure)) == 1 and unsure[0] is not None:
        # One file holds the whole scene: its arrays fit one another, whichever way they lie.
        told.setdefault(unsure[0], False)
    return told


def _settled(
    item: FoundArray[Any], index: int, shape: Shape, reversed_files: dict[Path, bool]
) -> RawArray:
    array, path = item.arrays[index], item.paths[index]
    fitting = _fitting(array, shape)
    if len(fitting) > 1 and path in reversed_files:
        fitting = [order for order in fitting if _is_reversed(order) == reversed_files[path]]
    if len(fitting) > 1:
        choices = " or ".join(f"[{', '.join(order)}]" for order in fitting)
        raise SceneError(
            f"{item.about}: the order of its axes is ambiguous: {_size(array.values.shape)} can be "
            f"{choices}; set `axes:` in the scene's file"
        )
    order = fitting[0]
    if array.axes is None and order not in ((Y, X), (Y, X, BAND)):
        why = "the only order that fits"
        if len(_fitting(array, shape)) > 1:
            why = "as the other arrays tell it"
        note = f"axes read as {', '.join(order)}, {why}"
        array = replace(array, notes=(*array.notes, note))
    return as_rows_columns_bands(array, order)


def _each(item: FoundArray[Any]) -> range:
    return range(len(item.arrays))


def _size(shape: Sequence[int]) -> str:
    return "x".join(map(str, shape)) or "a single number"


def _differ(
    scene: str, one: FoundArray[Any], shape: Sequence[int], other: FoundArray[Any], array: RawArray
) -> SceneError:
    sides, wanted = sorted(array.values.shape), sorted(shape)
    turned = array.values.ndim > 1 and all(sides.count(n) >= wanted.count(n) for n in wanted)
    hint = "; if its axes lie in another order, name them with `axes:`" if turned else ""
    found = array.values.shape if array.axes is None else _pixels(array, array.axes)
    if any(prod(a[:2]) in b for a, b in ((shape, found), (found, shape))):
        hint = "; one seems flattened to a list of pixels: save it as rows x columns x bands"
    for fine, coarse, item in ((shape, found, other), (found, shape, one)):
        if (size := _times(fine, coarse)) > 1 and one is not other:
            hint = f"; if its cells are {size} pixels wide, say `{item.key}.cell_size: {size}`"
    return SceneError(
        f"{scene}: {one.where} is {_size(shape)} pixels but {other.where} is {_size(found)}; all "
        f"files of a scene must have the same rows and columns{hint}"
    )


def _times(fine: Sequence[int], coarse: Sequence[int]) -> int:
    """How often the rows and columns of one go into those of the other, 0 where they do not."""
    if min(len(fine), len(coarse)) < 2 or fine[0] % coarse[0] or fine[1] % coarse[1]:
        return 0
    times = {fine[0] // coarse[0], fine[1] // coarse[1]}
    return times.pop() if len(times) == 1 else 0
