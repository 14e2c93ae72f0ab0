"""NetCDF files of version 3 and 4, their groups included, with the numbers as stored."""

from __future__ import annotations

from pathlib import Path

from bdgf.scenes.readers.cf_variable import find_map, read_cf_variable
from bdgf.scenes.readers.chunk_windows import asked_for
from bdgf.scenes.readers.netcdf_groups import is_netcdf4, open_groups
from bdgf.scenes.readers.raw_array import RawArray, WindowsError

# What NetCDF's own library writes where nothing was written, if no fill value is declared.
_DEFAULT_FILLS = {
    "i2": -32767.0,
    "i4": -2147483647.0,
    "f4": 9.969209968386869e36,
    "f8": 9.969209968386869e36,
}


def read_netcdf(path: Path, variable: str | None) -> RawArray:
    """Reads one variable; groups are separated by "." or "/".

    Raises:
        VariableError: The variable is not there or is no map of numbers.
        WindowsError: A window was asked for of what can only be read whole.
    """
    if asked_for() and not is_netcdf4(path):
        raise WindowsError(f"{path}: NetCDF 3 is read whole, not in windows")
    with open_groups(path) as groups:
        return read_cf_variable(path, groups, find_map(path, groups, variable), _DEFAULT_FILLS)
