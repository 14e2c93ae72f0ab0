"""Misregistration: the shift in pixels between the edges of two modalities.

Phase correlation (Kuglin and Hines 1975) of edge images, in windows. Sensors of different kinds
share few edges, so that a single window's peak is often noise. Hence the rule, whose numbers are
chosen here:

1. Each window in which both images have edges gives a correlation surface: the cross-power spectrum
   of the edge images, wholly or half whitened and low-passed.
2. The sum of all windows' surfaces has its peak at the shift, to a part of a pixel by a parabola.
3. The same sum over windows that do not belong together (a window of one modality with another one
   of the other) says how high peaks of noise are. Of several whitenings and low-passes that one is
   taken whose peak stands out most: sharp sensors share fine edges, radar and optics only coarse
   ones. The shift is *measured* where the peak is `_LEAST_RATIO` times as high as the highest of
   noise.
4. The sum without a part of the windows, for each of `_PARTS` parts, gives the standard error of
   each component (jackknife). A straight shore tells across it how things lie, and hardly along it.
5. A shift is *told* where a component is at least `LEAST_SHIFT` pixels and `_LEAST_ERRORS` standard
   errors. With heights it is `LEAST_SHIFT_OF_HEIGHTS`: light and radar come from one side, so that
   the edges of shadows, lit slopes and layover lie beside those of the relief.

scikit-image's `phase_cross_correlation` finds a shift between any two images, of noise too, and
gives no surface to add up; the transform itself is a line of SciPy.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np
import xarray as xr
from scipy import fft
from scipy.ndimage import gaussian_filter

from bdgf.evaluation.scene_check.edges import edge_image

LEAST_SHIFT = 0.75
"""Pixels from which a shift is told: maps of edges are no finer."""

LEAST_SHIFT_OF_HEIGHTS = 6.0
"""The same between heights and what is seen from one side."""

_SIDE, _LEAST_SIDE = 64, 24  # pixels of a window
_FARTHEST = 0.2  # of a window's side: longest shift that is looked for
_LEAST_KNOWN = 0.4  # share of a window on which both edge images are known
_WHITENINGS = (1.0, 0.5)  # power of a frequency's strength that it is divided by
_LOW_PASSES = (0.15, 0.1, 0.06)  # cycles a pixel: standard deviations
_LEAST_EDGES = 0.3  # of the image's own spread: what a window must hold of edges
_LEAST_WINDOWS = 4
_LEAST_RATIO = 1.5  # of the highest peak of noise
_PARTS = 8  # of the windows, one left out at a time
_LEAST_ERRORS = 2.5
_PAIRINGS = 8  # of windows that do not belong together
_TAPER = 2.0  # pixels: how softly a hole is cut out


@dataclass(frozen=True)
class Shift:
    """The shift between two modalities.

    Attributes:
        first: The modality that is compared with.
        second: The modality whose shift it is.
        down: Pixels by which the second lies below the first (negative: above).
        right: Pixels by which it lies to the right (negative: left).
        ratio: Height of the peak over that of the highest one of noise.
        errors: Standard errors of `down` and `right` in pixels.
        windows: Windows that were compared.
        least: Pixels from which the shift is told.
    """

    first: str
    second: str
    down: float
    right: float
    ratio: float
    errors: tuple[float, float]
    windows: int
    least: float = LEAST_SHIFT

    @property
    def length(self) -> float:
        """Length of the shift in pixels."""
        return float(np.hypot(self.down, self.right))

    @property
    def is_measured(self) -> bool:
        """Whether the peak stands out from noise."""
        return self.ratio >= _LEAST_RATIO

    @property
    def is_told(self) -> bool:
        """Whether the shift is reported as a misregistration."""
        components = zip((self.down, self.right), self.errors, strict=True)
        return self.is_measured and any(
            abs(size) >= max(self.least, _LEAST_ERRORS * error) for size, error in components
        )


def modality_shifts(
    modalities: Mapping[str, xr.DataArray],
    masks: Mapping[str, np.ndarray],
    heights: Collection[str] = (),
) -> list[Shift]:
    """The shift between every pair of modalities with enough common pixels.

    Args:
        modalities: Name -> (y, x, band) values on one grid.
        masks: Name -> (H, W) bool, where it has data.
        heights: Names of those that are heights.
    """
    edges = {name: edge_image(values, masks[name]) for name, values in modalities.items()}
    shifts = (
        edge_shift(first, second, edges[first], edges[second])
        for first, second in combinations(edges, 2)
    )
    found = [shift for shift in shifts if shift is not None]
    return [
        replace(s, least=LEAST_SHIFT_OF_HEIGHTS) if {s.first, s.second} & set(heights) else s
        for s in found
    ]


def edge_shift(
    first: str,
    second: str,
    first_edges: tuple[np.ndarray, np.ndarray],
    second_edges: tuple[np.ndarray, np.ndarray],
) -> Shift | None:
    """The shift between two edge images with their masks; None if there are too few windows.

    Args:
        first: Name of the first.
        second: Name of the second.
        first_edges: From `edge_image`.
        second_edges: From `edge_image`.
    """
    known = first_edges[1] & second_edges[1]
    images = [np.where(known, edges[0], 0) for edges in (first_edges, second_edges)]
    corners, side = _windows(known)
    if len(corners) < _LEAST_WINDOWS:
        return None
    taper = _taper(side)
    tapered = [np.stack([_cut(i, known, corner, taper) for corner in corners]) for i in images]
    kept = _have_edges(tapered[0]) & _have_edges(tapered[1])
    if kept.sum() < _LEAST_WINDOWS:
        return None
    first_windows, second_windows = (windows[kept] for windows in tapered)
    spectra_by_power = [
        (_whitened(first_windows, power), _whitened(second_windows, power)) for power in _WHITENINGS
    ]
    farthest = round(_FARTHEST * side)
    best = max(
        (
            _Correlation.of(*spectra, farthest, low_pass)
            for spectra in spectra_by_power
            for low_pass in _LOW_PASSES
        ),
        key=lambda correlation: correlation.ratio,
    )
    down, right, _ = _peak(best.surfaces.sum(axis=0))
    return Shift(first, second, down, right, best.ratio, _errors(best.surfaces), int(kept.sum()))


@dataclass(frozen=True)
class _Correlation:
    """Correlation surfaces of (N) windows, and how far their peak stands out."""

    surfaces: np.ndarray
    ratio: float

    @classmethod
    def of(
        cls, first: np.ndarray, second: np.ndarray, farthest: int, low_pass: float
    ) -> _Correlation:
        own = _surfaces(first, second, farthest, low_pass)
        noise = _highest_noise(first, second, farthest, low_pass)
        return cls(own, float(own.sum(axis=0).max() / max(noise, 1e-12)))


def _errors(surfaces: np.ndarray) -> tuple[float, float]:
    """Standard errors of both components, from the sums without one part of the windows each."""
    parts = min(_PARTS, len(surfaces))
    number, total = np.arange(len(surfaces)) * parts // len(surfaces), surfaces.sum(axis=0)
    peaks = [_peak(total - surfaces[number == part].sum(axis=0))[:2] for part in range(parts)]
    down, right = np.std(peaks, axis=0) * np.sqrt(parts - 1)
    return float(down), float(right)


def _windows(known: np.ndarray) -> tuple[np.ndarray, int]:
    """(N, 2) upper left corners of the windows, half over one another, and their side."""
    side = _SIDE
    while side > _LEAST_SIDE and min(known.shape) < 2 * side:
        side -= 8
    if min(known.shape) < side:
        return np.zeros((0, 2), int), side
    starts = [
        np.unique(np.linspace(0, size - side, max(2 * size // side - 1, 1)).round().astype(int))
        for size in known.shape
    ]
    corners = [
        (row, column)
        for row in starts[0]
        for column in starts[1]
        if known[row : row + side, column : column + side].mean() >= _LEAST_KNOWN
    ]
    return np.array(corners, int).reshape(-1, 2), side


def _taper(side: int) -> np.ndarray:
    line = np.hanning(side + 2)[1:-1]
    return np.outer(line, line).astype(np.float32)


def _cut(edges: np.ndarray, known: np.ndarray, corner: np.ndarray, taper: np.ndarray) -> np.ndarray:
    """(S, S) window of an edge image, its mean removed, holes cut out softly."""
    place = tuple(slice(start, start + len(taper)) for start in corner)
    inside = known[place].astype(np.float32)
    weight = taper * inside * gaussian_filter(inside, _TAPER)
    values = edges[place]
    cut: np.ndarray = weight * (values - np.average(values, weights=weight))
    return cut


def _have_edges(windows: np.ndarray) -> np.ndarray:
    """(N,) bool: which of (N, S, S) windows are not flat, as water is, beside the others."""
    strength = np.sqrt((windows**2).mean(axis=(1, 2)))
    enough: np.ndarray = strength > max(_LEAST_EDGES * float(np.sqrt((strength**2).mean())), 1e-9)
    return enough


def _whitened(windows: np.ndarray, power: float) -> np.ndarray:
    """(N, S, S) spectra of windows, each of one strength in all."""
    spectra = fft.fft2(windows)
    strength = np.abs(spectra)
    spectra /= np.maximum(strength, 1e-6 * strength.max(axis=(1, 2), keepdims=True)) ** power
    size = np.sqrt((np.abs(spectra) ** 2).mean(axis=(1, 2), keepdims=True))
    whitened: np.ndarray = spectra / size
    return whitened


def _surfaces(first: np.ndarray, second: np.ndarray, farthest: int, low_pass: float) -> np.ndarray:
    """(N, 2R + 1, 2R + 1) correlations of windows at shifts of up to R pixels, 0 in the middle."""
    frequency = fft.fftfreq(first.shape[-1])
    weight = np.exp(-0.5 * np.add.outer(frequency**2, frequency**2) / low_pass**2)
    surfaces = fft.ifft2(second * first.conj() * weight).real
    centred = np.roll(surfaces, (farthest, farthest), axis=(-2, -1))
    return centred[..., : 2 * farthest + 1, : 2 * farthest + 1]


def _highest_noise(first: np.ndarray, second: np.ndarray, farthest: int, low_pass: float) -> float:
    """The highest peak of sums over as many windows that do not belong together."""
    offsets = np.unique(np.linspace(1, len(first) - 1, _PAIRINGS).round().astype(int))
    highest = 0.0
    for offset in offsets:
        others = np.roll(second, offset, axis=0)
        # Turned about too: a conjugate spectrum is that of the window turned by half a circle.
        for pairs in (others, others.conj()):
            total = _surfaces(first, pairs, farthest, low_pass).sum(axis=0)
            highest = max(highest, float(total.max()))
    return highest


def _peak(surface: np.ndarray) -> tuple[float, float, float]:
    """Shift down and right of a surface's highest point, to a part of a pixel, and its height."""
    row, column = np.unravel_index(surface.argmax(), surface.shape)
    middle = len(surface) // 2
    down = row - middle + _vertex(surface[:, column], int(row))
    right = column - middle + _vertex(surface[row], int(column))
    return float(down), float(right), float(surface[row, column])


def _vertex(line: np.ndarray, place: int) -> float:
    """The top of the parabola through a highest point and its neighbours: -0.5 to 0.5."""
    if not 0 < place < len(line) - 1:
        return 0.0
    before, top, after = (float(value) for value in line[place - 1 : place + 2])
    bend = before - 2 * top + after
    return 0.5 * (before - after) / bend if bend < 0 else 0.0
