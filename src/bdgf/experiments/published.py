"""Runs as published with a document: metrics, and which test pixels were correct.

A reader can make the tables and their tests again from these files, or add seeds and variants
to them, without repeating a run: `kedro bench --published`.
"""

from __future__ import annotations

import json
import zlib
from base64 import b64decode, b64encode
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np

from bdgf.core.errors import SettingsError
from bdgf.core.storage import storage_error
from bdgf.experiments.records import PixelCorrectness, Record, read_record

_REASON_CHARACTERS = 200


def published(runs: Sequence[tuple[str, Record, PixelCorrectness]]) -> str:
    """JSON, one run a line: `variant`, the record, and beside it `pixels` and `right`.

    `pixels` are the gaps between the test pixels' flat indices (little-endian uint32), `right` one
    bit for each of them; both deflated and in base64. Runs of several scenes come without: they
    stand in the files of each scene too.
    """
    one_scene = len({record.scene for _, record, _ in runs}) == 1
    lines = [
        json.dumps(
            {
                "variant": variant,
                **asdict(record),
                **(_packed_pixels(correctness) if one_scene else {}),
            }
        )
        for variant, record, correctness in runs
    ]
    return "[\n" + ",\n".join(lines) + "\n]\n"


def published_runs(folder: Path) -> Iterator[tuple[Record, PixelCorrectness]]:
    """The runs of all files `*_runs.json` in a folder that hold test pixels.

    Raises:
        SettingsError: A file is not as `published` wrote it.
        StorageError: The disk refuses to give it.
    """
    for path in sorted(folder.glob("*_runs.json")):
        try:
            found = [_read(run) for run in json.loads(path.read_text()) if "right" in run]
        except Exception as error:  # damage shows in many ways
            reason = " ".join(str(error).split())[:_REASON_CHARACTERS]
            raise storage_error(error) or SettingsError(
                f"{path} does not hold runs of `kedro bench` ({reason}); take it away, or leave "
                "--published out"
            ) from error
        yield from found


def _read(run: dict[str, object]) -> tuple[Record, PixelCorrectness]:
    gaps = np.frombuffer(_unpacked(run["pixels"]), "<u4")
    bits = np.frombuffer(_unpacked(run["right"]), np.uint8)
    correct = np.unpackbits(bits, count=len(gaps)).astype(bool)
    figures = {k: v for k, v in run.items() if k not in ("variant", "pixels", "right")}
    record = read_record(json.dumps(figures))
    return record, PixelCorrectness(np.cumsum(gaps, dtype=np.uint32), correct)


def _packed_pixels(correctness: PixelCorrectness) -> dict[str, str]:
    gaps = np.diff(correctness.pixels, prepend=0).astype("<u4")
    return {"pixels": _packed(gaps), "right": _packed(np.packbits(correctness.correct))}


def _packed(array: np.ndarray) -> str:
    return b64encode(zlib.compress(array.tobytes(), 9)).decode()


def _unpacked(text: object) -> bytes:
    return zlib.decompress(b64decode(str(text), validate=True))
