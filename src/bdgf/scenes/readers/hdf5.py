"""Plain HDF5 files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bdgf.scenes.readers.attribute_values import Remarks, numbers, plain_name
from bdgf.scenes.readers.attributes import as_meant, read_packing
from bdgf.scenes.readers.axis_names import (
    are_phony,
    band_lengths,
    name_axes,
    without_single_axes,
)
from bdgf.scenes.readers.band_lists import read_bad_bands, read_wavelengths
from bdgf.scenes.readers.chunk_windows import (
    StoredNumbers,
    asked_for,
    in_rows_and_columns,
    window_of,
)
from bdgf.scenes.readers.hdf5_safety import check_links, check_size
from bdgf.scenes.readers.netcdf import read_netcdf
from bdgf.scenes.readers.raw_array import RawArray, VariableError
from bdgf.scenes.readers.variable_path import dotted, find_variable, only_variable

if TYPE_CHECKING:
    import h5py


_COMPLEX = {"r", "i", "re", "im", "real", "imag", "imaginary"}  # fields of complex numbers


def read_hdf5(path: Path, variable: str | None) -> RawArray:
    """Reads one dataset; groups are separated by "." or "/".

    Its dimensions' labels and scales name the axes. Without them the axes have no names and may
    be reversed, since MATLAB's `h5write` reverses them. A NetCDF file under the name of an HDF5
    file is read as NetCDF, which knows its place too.

    Raises:
        VariableError: The dataset is not there or holds no numbers.
    """
    import h5py

    with h5py.File(path, "r") as file:
        if "_NCProperties" not in file.attrs:
            check_links(path, file)
            return _read(path, file, variable)
    return read_netcdf(path, variable)


def _read(path: Path, file: h5py.File, variable: str | None) -> RawArray:
    import h5py

    datasets: dict[str, Any] = {}

    def collect(name: str, node: Any) -> None:
        if isinstance(node, h5py.Dataset) and isinstance(name, str):  # else bytes that are no text
            datasets[name] = node

    file.visititems(collect)
    if variable and isinstance(linked := file.get(variable.strip("/")), h5py.Dataset):
        datasets.setdefault(variable.strip("/"), linked)  # links are not visited
    maps = {name: d.shape for name, d in datasets.items() if _is_map(d)}
    every = {name: d.shape or () for name, d in datasets.items()}
    asked = variable or only_variable(path, maps if len(maps) == 1 else every)
    place = find_variable(path, asked, datasets, datasets)
    dataset = datasets[place]
    if dataset.dtype.kind not in "biufcV" or not dataset.size:
        raise VariableError(f"{path}: '{dotted(place)}' is not an array of numbers; choose another")
    fields = dataset.dtype.names or ()
    if fields and not set(fields) <= _COMPLEX:
        raise VariableError(
            f"{path}: '{dotted(place)}' holds records ({', '.join(fields)}), not numbers; save the "
            "field that is the image as a separate array"
        )
    if not asked_for():
        check_size(path, dataset)
    return _raw_array(path, dataset, place, datasets)


def _is_map(dataset: h5py.Dataset) -> bool:
    return dataset.dtype.kind in "biufcV" and len(dataset.shape or ()) >= 2


def _raw_array(
    path: Path, dataset: h5py.Dataset, place: str, datasets: Mapping[str, Any]
) -> RawArray:
    remarks = Remarks()
    names = [_axis_name(dimension) for dimension in dataset.dims]
    axes = stored_axes = name_axes(names, _coordinates(dataset, names))
    evidence: np.ndarray | StoredNumbers
    if asked_for():
        stored = StoredNumbers(lambda part: np.asarray(dataset[part]), dataset.shape, dataset.dtype)
        what = f"its dataset '{dotted(place)}'"
        values, attributes = as_meant(
            window_of(path, what, stored, axes, dataset.chunks), _attributes(dataset)
        )
        evidence = replace(stored, dtype=values.dtype)
    else:
        values, attributes = as_meant(np.asarray(dataset[()]), _attributes(dataset))
        evidence = values
    if is_matlab := axes is None and "MATLAB_class" in dataset.attrs:
        values = evidence = values.T
        names = names[::-1]
        remarks.notes.append("its axes are taken in MATLAB's order, as its attribute says")
    bands = band_lengths(evidence.shape, axes)
    beside = list(_beside(place, datasets, bands))
    packing = read_packing(attributes, evidence, bands, remarks)
    wavelengths = read_wavelengths(attributes, beside, bands, remarks)
    bad_bands = read_bad_bands(attributes, beside, bands, remarks)
    bad_bands |= _bad_windows(dataset, wavelengths, remarks)
    values, axes = without_single_axes(values, axes, names, remarks)
    array = RawArray(
        values,
        axes=axes,
        maybe_reversed=axes is None and not is_matlab and are_phony(names),
        wavelengths=wavelengths,
        bad_bands=bad_bands,
        notes=tuple(dict.fromkeys(remarks.notes)),
        doubts=tuple(dict.fromkeys(remarks.doubts)),
        **packing.fields(),
    )
    if stored_axes is None or not asked_for():
        return array
    return in_rows_and_columns(array, dataset.shape, stored_axes)


def _attributes(node: Any) -> dict[str, Any]:
    """The attributes that can be read; some writers use types that h5py does not know."""
    found = {}
    for name in node.attrs:
        try:
            found[name] = node.attrs[name]
        except (OSError, TypeError, ValueError):
            continue
    return found


def _axis_name(dimension: Any) -> str:
    """The label of an axis, or the name of its scale; "" if it has neither."""
    if dimension.label:
        return str(dimension.label)
    # A scale without values of its own tells its name all the same, as NetCDF 4 does it.
    return str(dimension[0].name).rpartition("/")[2] if len(dimension) else ""


def _coordinates(dataset: h5py.Dataset, names: Sequence[str]) -> dict[str, Mapping[str, Any]]:
    return {
        name: _attributes(dimension[0])
        for name, dimension in zip(names, dataset.dims, strict=True)
        if name and len(dimension)
    }


def _beside(
    place: str, datasets: Mapping[str, Any], bands: Sequence[int]
) -> Iterator[tuple[str, np.ndarray, Mapping[str, Any]]]:
    """1-D datasets as long as the bands below the cube's own group, the nearest first.

    NEON keeps the wavelengths of `SITE/Reflectance/Reflectance_Data` in
    `SITE/Reflectance/Metadata/Spectral_Data/Wavelength`.
    """
    group = place.rpartition("/")[0]
    inside = [n for n in datasets if n.startswith(f"{group}/" if group else "") and n != place]
    for name in sorted(inside, key=lambda name: (name.count("/"), name)):
        dataset = datasets[name]
        shape = tuple(size for size in dataset.shape or () if size != 1)  # (1, bands) too
        if dataset.dtype.kind in "biuf" and len(shape) == 1 and shape[0] in bands:
            yield name, np.ravel(dataset[()]), _attributes(dataset)


def _bad_windows(
    dataset: h5py.Dataset, wavelengths: Sequence[float], remarks: Remarks
) -> frozenset[int]:
    """Bands within NEON's `Band_Window_1_Nanometers` = [1340, 1445], where the air is opaque."""
    bad: set[int] = set()
    attributes = {**_attributes(dataset.parent), **_attributes(dataset)}
    for name, value in attributes.items():
        window = numbers(value)
        if "bandwindow" not in plain_name(name) or window is None or len(window) != 2:
            continue
        inside = [i for i, w in enumerate(wavelengths) if window[0] <= w <= window[1]]
        if inside:
            remarks.notes.append(f"its {name} marks {len(inside)} bands as bad")
        bad.update(inside)
    return frozenset(bad)
