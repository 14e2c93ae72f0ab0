"""Virtual rasters (VRT): what their XML refers to, checked before GDAL follows it."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

from bdgf.core.errors import SceneError
from bdgf.scenes.readers.raster_drivers import PLAIN_SUFFIXES, check_is_plain
from bdgf.scenes.readers.references import check_inside, shortened

_MOST_BYTES = 64 * 2**20  # a mosaic of 100,000 tiles has about half of that
_DEEPEST = 8  # VRTs inside VRTs
# What only describes pixels, in lower case as GDAL does not look at the case. Everything else may
# name files or run code, in this version of GDAL or in the next.
_HARMLESS_WORDS = """
vrtdataset vrtrasterband srs geotransform gcplist gcp metadata mdi nodatavalue nodata
hidenodatavalue colorinterp colortable entry description unittype scale offset categorynames
category histograms histitem histmin histmax bucketcount includeoutofrange approximate
histcounts maskband overviewlist overview blockxsize blockysize simplesource complexsource
averagedsource kernelfilteredsource nodatafromband sourcefilename sourceband sourceproperties
openoptions ooi srcrect dstrect usemaskband scaleoffset scaleratio colortablecomponent exponent
srcmin srcmax dstmin dstmax lut clamp size kernel coefs kernel normalized resampling
vrtwarpedrasterband gdalwarpoptions warpmemorylimit resamplealg workingdatatype option
sourcedataset transformer approxtransformer maxerror basetransformer genimgprojtransformer
srcgeotransform srcinvgeotransform dstgeotransform dstinvgeotransform reprojecttransformer
reprojectiontransformer sourcesrs sourcecs targetsrs targetcs options bandlist bandmapping
srcnodatareal srcnodataimag dstnodatareal dstnodataimag cutline cutlineblenddist srcalphaband
dstalphaband srcgcptransformer gcptransformer order reversed
"""
_HARMLESS = frozenset(_HARMLESS_WORDS.split())
_FILES = ("sourcefilename", "sourcedataset")
_KINDS = ("", "vrtrasterband", "vrtsourcedrasterband", "vrtwarpeddataset", "vrtwarpedrasterband")


def check_vrt(path: Path, _above: tuple[Path, ...] = ()) -> None:
    """Checks that a VRT reads rasters in the scene's folders alone, recursively.

    Raises:
        SceneError: It refers to something else, runs code, reads raw files or itself.
    """
    if path in _above or len(_above) >= _DEEPEST:
        raise SceneError(f"{path} refers to itself, or over {_DEEPEST} other VRTs; write a GeoTIFF")
    root = _parsed(path)
    checked: set[Path] = set()
    for element in root.iter():
        tag = _local(element.tag)
        _check_element(path, tag, element)
        if tag in _FILES:
            target = _source(path, element)
            if target not in checked and target.suffix.lower() == ".vrt":
                check_vrt(target, (*_above, path))
            checked.add(target)


def vrt_sources(path: Path) -> list[Path]:
    """The files that a VRT names, which `check_vrt` has checked; in a VRT of VRTs the nearest."""
    named = (element for element in _parsed(path).iter() if _local(element.tag) in _FILES)
    found = (_below(path, element) / (element.text or "").strip() for element in named)
    return list(dict.fromkeys(found))


def _parsed(path: Path) -> ElementTree.Element:
    if path.stat().st_size > _MOST_BYTES:
        raise SceneError(f"{path} is too large for a VRT; write the image as a GeoTIFF")
    content = path.read_bytes()
    if b"<!DOCTYPE" in content.upper() or b"<!ENTITY" in content.upper():
        raise SceneError(f"{path} defines XML entities, which a VRT does not; it is not read")
    root = ElementTree.fromstring(content)  # an error is told as damage
    if _local(root.tag) != "vrtdataset":
        raise SceneError(
            f"{path} is not a VRT but describes another source ({shortened(str(root.tag))}), such "
            "as a map service; it is not read: save the image to a GeoTIFF"
        )
    return root


def _local(tag: object) -> str:
    return str(tag).rpartition("}")[2].lower()


def _check_element(path: Path, tag: str, element: ElementTree.Element) -> None:
    kind = {name.lower(): text for name, text in element.attrib.items()}.get("subclass", "").lower()
    key = element.get("key", "").upper()
    if tag in _HARMLESS and kind in _KINDS and key not in ("OVERVIEW_FILE", "X_DATASET"):
        return
    what = element.get("subClass") or str(element.tag)
    raise SceneError(
        f"{path} has '{shortened(what if kind not in _KINDS or not key else key)}', which may run "
        "code or read other files and is not read; write the image as a GeoTIFF, as by "
        f"`gdal_translate {path.name} image.tif`"
    )


def _below(path: Path, element: ElementTree.Element) -> Path:
    """The folder that a source's name is understood from."""
    attributes = {key.lower(): value for key, value in element.attrib.items()}
    return path.parent if attributes.get("relativetovrt", "0") == "1" else Path.cwd()


def _source(path: Path, element: ElementTree.Element) -> Path:
    """The checked file that a source names."""
    name = (element.text or "").strip()
    target = check_inside(path, name, _below(path, element), "its source")
    suffix = target.suffix.lower()
    if not target.is_file():
        raise SceneError(
            f"{path}: its source '{shortened(name)}' is not there (looked for {target}); put the "
            "file there, or make the VRT again"
        )
    if suffix != ".vrt":
        if suffix not in PLAIN_SUFFIXES:
            raise SceneError(
                f"{path}: its source '{shortened(name)}' is no raster by its name; known are "
                f"{', '.join(PLAIN_SUFFIXES)} and .vrt"
            )
        check_is_plain(target)
    return target
