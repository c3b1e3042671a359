"""Codes as a short stream of bytes: uniform quantization, then Huffman coding."""

import math
import struct
import zlib
from typing import Any

import numpy as np

from tfdvae._utils import checks
from tfdvae.metrics.latent import flat_codes

_MAGIC = b"tfdvae1\0"


def compress_codes(codes: Any, bits: int) -> bytes:
    """Return codes as a stream of bytes.

    Each unit takes 2**bits levels, evenly spaced from its least to its greatest value over the
    codes given, so that no value moves by more than half a level. Levels that are seldom used cost
    little after entropy coding. The stream is one of zlib and holds the shape, the two ends of each
    unit (8 bytes a unit) and the levels, unit by unit; its checksum covers all of them.

    Args:
        codes: real (N, ...), finite, kept as float32.
        bits: 1 to 16.

    Returns:
        The whole stream; an image costs its length divided by N.

    Raises:
        TypeError: `bits` is not a whole number, or codes are not real numbers.
        ValueError: `bits` is outside 1 to 16; no codes, or NaN or infinite ones.
    """
    checks.integer("bits", bits, 1, 16)
    shape, features = np.shape(codes), flat_codes("codes", codes)
    ends = np.stack([features.min(axis=0), features.max(axis=0)]).astype("<f4")
    low, step = _scale(ends, bits)
    levels = np.rint((features - low) / np.where(step > 0, step, 1)).astype(np.uint16)
    header = _MAGIC + struct.pack(f"<BB{len(shape)}I", bits, len(shape), *shape)
    # Matches in quantized codes are chance, and cost more than they save: Huffman coding alone.
    coder = zlib.compressobj(9, strategy=zlib.Z_HUFFMAN_ONLY)
    return coder.compress(header + ends.tobytes() + _pack(levels.T, bits)) + coder.flush()


def decompress_codes(compressed: bytes) -> np.ndarray:
    """Return the codes of a stream, float32 (N, ...), each within half a level of what it was.

    Raises:
        TypeError: not bytes.
        ValueError: not a stream of `compress_codes`, or one that is truncated or altered.
    """
    if not isinstance(compressed, bytes):
        raise TypeError(f"`compressed` must be bytes; got {type(compressed).__name__}.")
    decoder, wanted = zlib.decompressobj(), "`compressed` must be a whole stream of `compress`; "
    try:
        body = decoder.decompress(compressed)
    except zlib.error as error:
        raise ValueError(f"{wanted}it is altered or no such stream ({error}).") from None
    if not decoder.eof or decoder.unused_data:
        state = "followed by other bytes" if decoder.eof else "truncated"
        raise ValueError(f"{wanted}its {len(compressed)} bytes are {state}.")
    if not body.startswith(_MAGIC):
        raise ValueError(f"{wanted}it holds something else.")
    bits, rank = struct.unpack_from("<BB", body, len(_MAGIC))
    shape = struct.unpack_from(f"<{rank}I", body, len(_MAGIC) + 2)
    start = len(_MAGIC) + 2 + 4 * rank
    units = math.prod(shape[1:])
    ends = np.frombuffer(body, "<f4", 2 * units, start).reshape(2, units)
    packed = np.frombuffer(body, np.uint8, offset=start + ends.nbytes)
    levels = _unpack(packed, bits, units, shape[0]).T
    low, step = _scale(ends, bits)
    return (low + step * levels).astype(np.float32).reshape(shape)


def _pack(levels: np.ndarray, bits: int) -> bytes:
    """Return levels (D, N) as bytes: as many of them in a byte as fit.

    Above 8 bits they are all low bytes, then all high ones.
    """
    if bits > 8:
        return np.stack([levels & 255, levels >> 8]).astype(np.uint8).tobytes()
    places = bits * np.arange(8 // bits)
    filled = np.pad(levels, ((0, 0), (0, -levels.shape[1] % len(places))))
    return (
        np.sum(filled.reshape(len(levels), -1, len(places)) << places, axis=-1)
        .astype(np.uint8)
        .tobytes()
    )


def _unpack(packed: np.ndarray, bits: int, units: int, count: int) -> np.ndarray:
    """Return the levels (units, count) of `_pack`."""
    if bits > 8:
        low, high = packed.reshape(2, units, count).astype(np.int64)
        return low + 256 * high
    places = bits * np.arange(8 // bits)
    return ((packed.reshape(units, -1)[..., None] >> places) & (2**bits - 1)).reshape(units, -1)[
        :, :count
    ]


def _scale(ends: np.ndarray, bits: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the least value of each unit and the distance of its levels, float64 (D,)."""
    low, high = ends.astype(np.float64)
    return low, (high - low) / (2**bits - 1)
