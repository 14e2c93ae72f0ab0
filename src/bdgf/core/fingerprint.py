"""Fingerprints: a short digest of everything that made a costly artifact."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from bdgf.core.mapped_file import is_mapped, release

if TYPE_CHECKING:
    import torch

_PIECE = 2**26
"""Bytes of an array in a file that are in memory at a time."""
_SHORT = 16
"""Digits of a fingerprint: enough to tell artifacts apart, short enough for a file's name."""


def fingerprint(*parts: Any) -> str:
    """Short digest of arrays, tensors, settings and plain values; equal parts give equal ones.

    Args:
        *parts: See `content_digest`.

    Returns:
        16 hexadecimal digits.

    Raises:
        TypeError: A part is of a kind that has no fingerprint.
    """
    return content_digest(*parts)[:_SHORT]


def content_digest(*parts: Any) -> str:
    """SHA-256 of values of any nesting: for a file's own content, or the long `fingerprint`.

    Every value is encoded with its kind and its length, so that no two different values read
    alike: 1 is not 1.0, "ab", "c" is not "a", "bc", and {"a": {"b": 1}} is not {"a": 1, "b": 1}.
    Lists and tuples are one kind, and so are arrays of either byte order and any layout.

    Args:
        *parts: NumPy arrays, torch tensors, pydantic models, None, booleans, numbers, text, and
            lists, tuples and dictionaries of all of these.

    Returns:
        64 hexadecimal digits.

    Raises:
        TypeError: A part is of a kind that has no digest.
    """
    digest = hashlib.sha256()
    _update(digest, parts)
    return digest.hexdigest()


def _update(digest: Any, part: Any) -> None:
    if hasattr(part, "detach"):  # a torch tensor, without importing torch
        values, kind = _tensor_bytes(part), str(part.dtype).removeprefix("torch.")
        _add(digest, f"tensor {kind} {tuple(part.shape)}", values.data)
    elif isinstance(part, np.ndarray):
        values, kind = _array_bytes(part)
        _add(digest, f"array {kind} {part.shape}", *_pieces(values))
    elif isinstance(part, dict):
        _add(digest, f"mapping {len(part)}")
        # In the order of the encoded keys: keys of several kinds cannot be compared themselves.
        for _, key in sorted((content_digest(key), key) for key in part):
            _update(digest, key)
            _update(digest, part[key])
    elif isinstance(part, list | tuple):
        _add(digest, f"sequence {len(part)}")
        for item in part:
            _update(digest, item)
    elif hasattr(part, "model_dump"):
        _add(digest, "settings")
        _update(digest, part.model_dump(mode="json"))
    else:
        _add(digest, *_plain(part))


def _add(digest: Any, kind: str, content: Any = b"", pieces: Iterable[Any] | None = None) -> None:
    # The line ends the kind, which has none in it; the length ends the content.
    digest.update(f"{kind} {len(content)}\n".encode())
    for piece in (content,) if pieces is None else pieces:
        digest.update(piece)


def _pieces(values: np.ndarray) -> tuple[Any, Iterable[Any] | None]:
    """Flat bytes, and where they lie in a file, what is read of them at a time."""
    if not is_mapped(values):
        return values.data, None

    def read() -> Iterator[Any]:
        for start in range(0, len(values), _PIECE):
            yield values[start : start + _PIECE].data
            release(values)

    return values.data, read()


def _plain(part: Any) -> tuple[str, bytes]:
    if part is None:
        return "none", b""
    if isinstance(part, bool):
        return "bool", b"1" if part else b"0"
    if isinstance(part, str):
        return "text", str.__str__(part).encode(errors="surrogatepass")
    if isinstance(part, int):
        return "int", int.__repr__(part).encode()
    if isinstance(part, float):
        return "float", float.__repr__(part).encode()
    raise TypeError(f"{type(part).__name__} has no fingerprint")


def _array_bytes(array: np.ndarray) -> tuple[np.ndarray, str]:
    if array.dtype.hasobject:
        raise TypeError("an array of Python objects has no fingerprint")
    little = array.astype(array.dtype.newbyteorder("<"), copy=False)
    flat = np.ascontiguousarray(little).reshape(-1).view(np.uint8)
    return flat, repr(np.lib.format.dtype_to_descr(little.dtype))


def _tensor_bytes(tensor: torch.Tensor) -> np.ndarray:
    # NumPy has not all of torch's number types, so tensors are hashed by their bytes.
    import torch

    if tensor.layout is not torch.strided or tensor.is_quantized:
        raise TypeError("a sparse or quantised tensor has no fingerprint")
    plain = tensor.detach().resolve_conj().resolve_neg().cpu().contiguous()
    values: np.ndarray = plain.reshape(-1).view(torch.uint8).numpy()
    return values
