"""What a trained denoiser is good for besides denoising: anomaly scores, imputation, features, compression.

The uses are those that "Denoising autoencoders and how denoising autoencoders work" names. They are for images alone: audio and
EEG, which the same source mentions, are out of scope, for the models take (N, H, W, C) and no time series is tested here.
`benchmarks/uses.py` measures all four on Fashion-MNIST.
"""

import math
import struct
import zlib

import numpy as np
import sklearn.linear_model
import sklearn.model_selection
import sklearn.pipeline
import sklearn.preprocessing

from tfdvae import checks
from tfdvae.models.verbs import Verbs

_MAGIC = b"tfdvae1\0"
_FOLDS, _PENALTIES = 3, (0.001, 0.01, 0.1, 1.0)


def anomaly_scores(model: Verbs, images) -> np.ndarray:
    """Return how badly the model reconstructs each image: the mean squared error over its pixels and channels.

    The image is given to the model as it is, nothing is injected, so the score is a function of model and image alone. It is the
    squared error whatever the model's likelihood: the cross-entropy of a grey pixel is above 0 even where its reconstruction is
    perfect, so that images with many grey pixels would score high for their greyness.

    Args:
        model: trained on images that are normal.
        images: (N, H, W, C) in [0, 1], which noise may exceed.

    Returns:
        float32 (N,), at least 0, in squared units of the pixel range; higher is more anomalous. For
        `sklearn.metrics.roc_auc_score(is_anomaly, scores)`.

    Raises:
        ValueError: images with NaN, of the wrong shape or range.
    """
    return reconstruction_errors(model.denoise(images), np.asarray(images, dtype=np.float32))


def reconstruction_errors(reconstructions: np.ndarray, images: np.ndarray) -> np.ndarray:
    """Return the mean squared error of each reconstruction, float32 (N,), of float32 arrays (N, H, W, C)."""
    return np.mean(np.square(reconstructions - images), axis=(1, 2, 3), dtype=np.float64).astype(np.float32)


def threshold(normal_scores, false_positive_rate: float) -> float:
    """Return the least of the scores (N,) of normal images that at most the given fraction of them, in [0, 1], exceed, and 1e-5 of it more.

    The image that has this score is then not above it where it is scored again in a batch of another size, or in a graph, and rounded otherwise.

    Raises:
        ValueError: no scores, or a fraction outside [0, 1].
    """
    checks.number("false_positive_rate", false_positive_rate, 0, 1)
    ranked = np.sort(normal_scores)[::-1]
    if not len(ranked):
        raise ValueError("`normal` must hold at least one image; got none.")
    return float(ranked[min(int(false_positive_rate * len(ranked) + 1e-9), len(ranked) - 1)]) * (1 + 1e-5)


def impute(model: Verbs, images, missing) -> np.ndarray:
    """Return the images with their missing pixels filled in by the model.

    Missing pixels are set to 0 and the model reconstructs the image once. A model that injects `masking` was trained on just that; its
    level should not be below the fraction missing. Giving the filled image to the model again was measured on validation images of
    Fashion-MNIST (`benchmarks/uses.py`): it made them worse, but where more was missing than the model was trained for.

    Args:
        model: trained, best with injected `masking`.
        images: (N, H, W, C) in [0, 1], which noise may exceed; what stands in missing pixels is not looked at and may be NaN.
        missing: bool (N, H, W), true where a pixel is missing in all its channels.

    Returns:
        float32 (N, H, W, C); known pixels are those given, bit for bit, missing ones are in [0, 1].

    Raises:
        TypeError: `missing` is not boolean.
        ValueError: `missing` does not fit the images, or an image has no known pixel; known pixels with NaN or out of range.
    """
    images, missing = np.asarray(images, dtype=np.float32), np.asarray(missing)
    if missing.dtype != bool:
        raise TypeError(f"`missing` must be boolean; got dtype {missing.dtype}.")
    if images.ndim != 4 or missing.shape != images.shape[:3]:
        raise ValueError(f"`missing` must have shape (N, H, W) for `images` (N, H, W, C); got {missing.shape} for {images.shape}.")
    if (lost := np.flatnonzero(missing.all(axis=(1, 2)))).size:
        which = f"image {lost[0]} and {len(lost) - 1} more have" if len(missing) > 1 else "it has"
        raise ValueError(f"`missing` must leave a known pixel in each image; {which} none.")
    known = ~missing[..., None]
    return np.where(known, images, model.denoise(np.where(known, images, np.float32(0))))


def probe_accuracy(train_codes, train_labels, test_codes, test_labels) -> float:
    """Return the accuracy of a linear classifier on codes: a measure of what they keep of the classes.

    Each feature is standardised by the training codes; then scikit-learn's `LogisticRegression`, its `C` chosen from 0.001, 0.01, 0.1
    and 1 by threefold cross-validation on the training codes. One penalty for all would favour few features: of the 784 pixels of
    10,000 images of Fashion-MNIST, C = 1 gets 81.4% and C = 0.01 gets 85.6% of 2,000 other training images right.

    Args:
        train_codes: (N, ...), such as those of `DenoisingModel.encode`, or pixels to compare with; flattened to (N, D).
        train_labels: int (N,), class numbers from 0, at least two classes and three codes of each.
        test_codes: (M, ...), as many features.
        test_labels: int (M,).

    Returns:
        Fraction of test codes whose class is found, in [0, 1].

    Raises:
        TypeError: labels that are not whole numbers, or codes that are not real numbers.
        ValueError: wrong shapes, NaN or infinite codes, a single class, a class with fewer than three training codes.
    """
    train_codes, test_codes = _features("train_codes", train_codes), _features("test_codes", test_codes)
    if train_codes.shape[1] != test_codes.shape[1]:
        raise ValueError(f"`test_codes` must have {train_codes.shape[1]} features, as `train_codes` have; got {test_codes.shape[1]}.")
    train_labels = checks.labels("train_labels", train_labels, len(train_codes))
    test_labels = checks.labels("test_labels", test_labels, len(test_codes))
    classes, counts = np.unique(train_labels, return_counts=True)
    if len(classes) < 2 or counts.min() < _FOLDS:
        got = f"{counts.min()} of class {classes[counts.argmin()]}" + (" alone" if len(classes) < 2 else "")
        raise ValueError(f"`train_labels` must hold at least two classes and {_FOLDS} codes of each; got {got}.")
    probe = sklearn.pipeline.Pipeline(
        [("scale", sklearn.preprocessing.StandardScaler()), ("classify", sklearn.linear_model.LogisticRegression(max_iter=5000))]
    )
    search = sklearn.model_selection.GridSearchCV(probe, {"classify__C": _PENALTIES}, cv=_FOLDS).fit(train_codes, train_labels)
    return float(search.score(test_codes, test_labels))


def compress(model: Verbs, images, bits: int) -> bytes:
    """Return the images as their codes, quantised and entropy-coded; see `compress_codes`.

    Args:
        model: trained; who decompresses needs the same one, whose weights are not in the stream.
        images: (N, H, W, C) in [0, 1], which noise may exceed.
        bits: 1 to 16, for each unit of the code.

    Raises:
        TypeError, ValueError: images or bits as they must not be; a model without a code.
    """
    return compress_codes(model.encode(images), bits)


def decompress(model: Verbs, compressed: bytes) -> np.ndarray:
    """Return the images of a stream of `compress`, float32 (N, H, W, C) in [0, 1].

    Raises:
        TypeError, ValueError: not such a stream, truncated or altered, or with codes of another shape than the model's.
    """
    return model.decode(decompress_codes(compressed))


def compress_codes(codes, bits: int) -> bytes:
    """Return codes as a stream of bytes: uniform quantisation, then Huffman coding.

    Each unit takes 2**bits levels, evenly spaced from its least to its greatest value over the codes given, so that no value moves
    by more than half a level. Levels that are seldom used cost little after entropy coding. The stream is one of zlib and holds
    the shape, the two ends of each unit (8 bytes a unit) and the levels, unit by unit; its checksum covers all of them.

    Args:
        codes: real (N, ...), finite, kept as float32.
        bits: 1 to 16.

    Returns:
        The whole stream; what an image costs is its length divided by N.

    Raises:
        TypeError: `bits` is not a whole number, or codes are not real numbers.
        ValueError: `bits` is outside 1 to 16; no codes, or NaN or infinite ones.
    """
    checks.integer("bits", bits, 1, 16)
    shape, features = np.shape(codes), _features("codes", codes)
    ends = np.stack([features.min(axis=0), features.max(axis=0)]).astype("<f4")
    low, step = _scale(ends, bits)
    levels = np.rint((features - low) / np.where(step > 0, step, 1)).astype(np.uint16)
    header = _MAGIC + struct.pack(f"<BB{len(shape)}I", bits, len(shape), *shape)
    # Matches in quantised codes are chance, and cost more than they save: Huffman coding alone.
    coder = zlib.compressobj(9, strategy=zlib.Z_HUFFMAN_ONLY)
    return coder.compress(header + ends.tobytes() + _packed(levels.T, bits)) + coder.flush()


def decompress_codes(compressed: bytes) -> np.ndarray:
    """Return the codes of a stream of `compress_codes`, float32 (N, ...), each within half a level of what it was.

    Raises:
        TypeError: not bytes.
        ValueError: not such a stream, or one that is truncated or altered.
    """
    if not isinstance(compressed, bytes):
        raise TypeError(f"`compressed` must be bytes; got {type(compressed).__name__}.")
    decoder = zlib.decompressobj()
    try:
        body = decoder.decompress(compressed)
    except zlib.error as error:
        raise ValueError(f"`compressed` must be a whole stream of `compress`; it is altered or no such stream ({error}).") from None
    if not decoder.eof or decoder.unused_data:
        state = "followed by other bytes" if decoder.eof else "truncated"
        raise ValueError(f"`compressed` must be a whole stream of `compress`; its {len(compressed)} bytes are {state}.")
    if not body.startswith(_MAGIC):
        raise ValueError("`compressed` must be a whole stream of `compress`; it holds something else.")
    bits, rank = struct.unpack_from("<BB", body, len(_MAGIC))
    shape = struct.unpack_from(f"<{rank}I", body, len(_MAGIC) + 2)
    start = len(_MAGIC) + 2 + 4 * rank
    units = math.prod(shape[1:])
    ends = np.frombuffer(body, "<f4", 2 * units, start).reshape(2, units)
    levels = _unpacked(np.frombuffer(body, np.uint8, offset=start + ends.nbytes), bits, units, shape[0]).T
    low, step = _scale(ends, bits)
    return (low + step * levels).astype(np.float32).reshape(shape)


def _packed(levels: np.ndarray, bits: int) -> bytes:
    """Return levels (D, N): as many of them in a byte as fit; above 8 bits all low bytes, then all high ones."""
    if bits > 8:
        return np.stack([levels & 255, levels >> 8]).astype(np.uint8).tobytes()
    places = bits * np.arange(8 // bits)
    filled = np.pad(levels, ((0, 0), (0, -levels.shape[1] % len(places))))
    return np.sum(filled.reshape(len(levels), -1, len(places)) << places, axis=-1).astype(np.uint8).tobytes()


def _unpacked(packed: np.ndarray, bits: int, units: int, count: int) -> np.ndarray:
    """Return the levels (units, count) of `_packed`."""
    if bits > 8:
        low, high = packed.reshape(2, units, count).astype(np.int64)
        return low + 256 * high
    places = bits * np.arange(8 // bits)
    return ((packed.reshape(units, -1)[..., None] >> places) & (2**bits - 1)).reshape(units, -1)[:, :count]


def _scale(ends: np.ndarray, bits: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the least value of each unit and the distance of its levels, float64 (D,)."""
    low, high = ends.astype(np.float64)
    return low, (high - low) / (2**bits - 1)


def _features(argument: str, codes) -> np.ndarray:
    """Return codes (N, ...) as a finite float array (N, D)."""
    array = np.asarray(codes)
    if array.dtype.kind not in "fiu":
        raise TypeError(f"`{argument}` must hold real numbers; got dtype {array.dtype}.")
    if array.ndim < 2 or 0 in array.shape:
        raise ValueError(f"`{argument}` must have shape (N, ...) with at least one code and one unit; got {array.shape}.")
    array = array.reshape(len(array), -1).astype(np.float32)
    if not np.isfinite(array).all():
        raise ValueError(f"`{argument}` must be finite; got NaN or infinite values.")
    return array
