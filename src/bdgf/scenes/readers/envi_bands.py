"""Band metadata in the fields of an ENVI header."""

from __future__ import annotations

from dataclasses import dataclass, field

from bdgf.scenes.readers.envi import Header, numbers, texts

# Pairs that scale, the first that is there counts: the numbers' own physical units come first.
_GAINS = (
    ("data gain values", "data offset values"),
    ("data reflectance gain values", "data reflectance offset values"),
)
_FACTOR = "reflectance scale factor"


@dataclass
class EnviBands:
    """A header's fields of the bands; "one a band" as in `RawArray`.

    Attributes:
        scale: One a band, or None where the header is silent.
        offset: One a band.
        ignored: The number that means "no data", () where it is unreadable, None where the header
            is silent.
        band_names: One a band, or none.
        wavelengths: One a band, or none.
        bad_bands: Counted from 0.
        value_names: Value -> name, of a classification.
        notes: As in `RawArray`.
        doubts: As in `RawArray`.
    """

    scale: tuple[float, ...] | None = None
    offset: tuple[float, ...] = (0.0,)
    ignored: tuple[float, ...] | None = None
    band_names: tuple[str, ...] = ()
    wavelengths: tuple[float, ...] = ()
    bad_bands: frozenset[int] = frozenset()
    value_names: dict[int, str] | None = None
    notes: list[str] = field(default_factory=list)
    doubts: list[str] = field(default_factory=list)


def bands_of(header: Header, count: int) -> EnviBands:
    """Reads the fields of `count` bands; a field that does not fit is a doubt and left out."""
    found = EnviBands()
    _read_scale(header, count, found)
    _read_ignored(header, found)
    _read_bad_bands(header, count, found)
    names = texts(header.get("band names", ""))
    if len(names) == count:
        found.band_names = tuple(names)
    elif names:
        found.notes.append(f"band names of the ENVI header left out: {len(names)} for {count}")
    waves = numbers(header.get("wavelength", ""))
    if waves is None or len(waves) not in (0, count):
        found.notes.append(f"wavelengths of the ENVI header left out: not {count} numbers")
    else:
        found.wavelengths = tuple(waves)
    if classes := texts(header.get("class names", "")):
        listed = ", ".join(f"{value} {name}" for value, name in enumerate(classes[:20]))
        found.notes.append(f"classes of the ENVI header: {listed}")
        found.value_names = dict(enumerate(classes))
    return found


def _read_scale(header: Header, count: int, found: EnviBands) -> None:
    """Gains and offsets of each band, or else the factor that divides all of them.

    The gains win: ENVI writes both where the gains lead to a physical unit already and the factor
    tells how reflectance would be packed; both together would scale twice.
    """
    given = [pair for pair in _GAINS if pair[0] in header or pair[1] in header]
    for gain_name, offset_name in given:
        gains = _one_a_band(header, gain_name, count, 1.0, found)
        offsets = _one_a_band(header, offset_name, count, 0.0, found)
        found.scale, found.offset = (
            ((1.0,), (0.0,)) if gains is None or offsets is None else (gains, offsets)
        )
        break
    unused = [gain_name for gain_name, _ in given[1:]] + [_FACTOR] * (_FACTOR in header)
    if given:
        if unused:
            found.notes.append(
                f"`{unused[0]}` of the ENVI header not applied beside `{given[0][0]}`"
            )
        return
    factor = numbers(header.get(_FACTOR, ""))
    if _FACTOR not in header or factor == []:
        return
    if factor is None or len(factor) != 1 or not 0 < factor[0] < float("inf"):
        found.doubts.append(
            f"`{_FACTOR} = {header[_FACTOR]}` of its ENVI header is no positive number and is not "
            "applied; correct the header or set `scale`"
        )
        return
    found.scale = (1 / factor[0],)


def _one_a_band(
    header: Header, name: str, count: int, silent: float, found: EnviBands
) -> tuple[float, ...] | None:
    """One number a band, or one for all; None and a doubt where they do not fit."""
    if name not in header:
        return (silent,)
    values = numbers(header[name])
    if values == []:
        return (silent,)
    if values is not None and len(values) in (1, count) and all(map(_finite, values)):
        return tuple(values)
    what = "not all finite numbers" if values is None or len(values) == count else len(values)
    found.doubts.append(
        f"`{name}` of its ENVI header ({what}) does not fit {count} bands, so that gains and "
        "offsets are not applied; correct the header or set `scale`"
    )
    return None


def _finite(value: float) -> bool:
    return abs(value) < float("inf")


def _read_ignored(header: Header, found: EnviBands) -> None:
    name = "data ignore value"
    values = numbers(header.get(name, ""))
    if values == []:
        return
    if values is None or len(values) != 1:
        found.doubts.append(
            f"`{name} = {header[name]}` of its ENVI header is no number and hides nothing; correct "
            "the header or set `nodata`"
        )
        values = []
    found.ignored = tuple(values)


def _read_bad_bands(header: Header, count: int, found: EnviBands) -> None:
    """1 marks a good band, 0 a bad one."""
    if not header.get("bbl", "").strip(" {}"):
        return
    marks = numbers(header["bbl"])
    trouble = None
    if marks is None or not set(marks) <= {0.0, 1.0}:
        trouble = "holds other than 0 and 1"
    elif len(marks) != count:
        trouble = f"has {len(marks)} entries for {count} bands"
    elif not any(marks):
        trouble = "marks every band as bad"
    if marks is None or trouble is not None:
        found.doubts.append(
            f"`bbl`, the bad bands list of its ENVI header, {trouble} and is not applied; correct "
            "the header or choose bands with `channels`"
        )
        return
    found.bad_bands = frozenset(band for band, mark in enumerate(marks) if mark == 0)
