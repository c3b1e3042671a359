"""What holds for any input of the pure parts: settings, corruptions, splits, statistics, metrics,
files of rows, names, codes. Hypothesis looks for inputs for which it does not.
"""

import math
import os

import numpy as np
import pytest
import scipy.stats
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from tfdvae import corruptions, csv_rows
from tfdvae._utils import chunks, file_names, limits, sheets, text
from tfdvae.config import TrainConfig
from tfdvae.corruptions import KINDS
from tfdvae.data import image_dataset, splits
from tfdvae.inference import compression
from tfdvae.metrics import classification, image, statistics

# The same examples in each run, as many as take a moment, and no database of failures is left.
settings.register_profile("tfdvae", derandomize=True, deadline=None, max_examples=50, database=None)
settings.load_profile("tfdvae")

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=30)
LABELS = st.lists(st.integers(0, 4), min_size=2, max_size=60).map(np.array)
FLOATS = st.floats(-1e6, 1e6)
SEEDS = st.integers(0, 2**63 - 1)


def attempt(function, *arguments, **options):
    """Return what a function returns and an empty text, or None and the message of its refusal."""
    try:
        return function(*arguments, **options), ""
    except (ValueError, TypeError) as error:
        return None, str(error)


@st.composite
def corruption_texts(draw):
    kind = draw(st.sampled_from([name for name in KINDS.names() if name != "none"]))
    highest = min(KINDS.get(kind, "kind").highest_level, 1e6)
    return f"{kind}:{draw(st.floats(0, highest))!r}"


@given(
    st.lists(
        corruption_texts(), min_size=1, max_size=3, unique_by=lambda each: each.partition(":")[0]
    )
)
def test_a_corruption_is_what_its_name_says(texts):
    found = corruptions.parse(",".join(texts))
    assert corruptions.parse(str(found)) == found
    if len(texts) == 1:
        level = float(texts[0].partition(":")[2])
        assert found.level == float(f"{level:g}"), "as its name shows it"


@given(st.one_of(TEXT, st.integers(), st.floats()))
def test_what_is_no_corruption_is_refused_by_name(given_text):
    found, message = attempt(corruptions.parse, given_text)
    assert "`corruption`" in message or corruptions.parse(str(found)) == found


@given(
    st.fixed_dictionaries(
        {},
        optional={
            "seed": SEEDS,
            "epochs": st.integers(1, 10**6),
            "n_train": st.integers(1, 10**6),
            "latent_dim": st.integers(1, 4096),
            "learning_rate": st.floats(1e-8, 1, exclude_min=True),
            "model": st.sampled_from(["ae", "dae", "vae", "dvae"]),
            "test_noise": st.lists(
                st.floats(0.001, 1).map(str), min_size=1, max_size=4, unique_by=float
            ).map(tuple),
            "output": TEXT.filter(lambda each: each.strip() and each.isprintable()),
        },
    )
)
def test_settings_survive_their_file(values):
    config, message = attempt(TrainConfig.of, **values)
    named = any(f"`{name}`" in message for name in values)
    assert named or TrainConfig.from_dict(config.to_dict()) == config


@given(LABELS, st.data())
def test_a_subset_has_the_proportions_of_the_whole(labels, data):
    count = data.draw(st.integers(1, len(labels)))
    chosen = splits.stratified_subset(labels, count, data.draw(SEEDS))
    assert len(chosen) == count
    assert (np.diff(chosen) > 0).all()
    shares = np.bincount(labels, minlength=5) * count / len(labels)
    assert (np.abs(np.bincount(labels[chosen], minlength=5) - shares) < 1).all()


@given(LABELS, st.data())
def test_held_out_groups_are_whole(labels, data):
    size = len(labels)
    groups = np.array(data.draw(st.lists(st.integers(0, 9), min_size=size, max_size=size)))
    assume(len(np.unique(groups)) > 1 and np.bincount(labels).max() > 1)
    train, test = splits.hold_out(labels, groups, seed=data.draw(SEEDS))
    assert sorted([*train, *test]) == list(range(size))
    assert min(len(train), len(test)) > 0
    assert not set(groups[train]) & set(groups[test])


@given(st.lists(st.floats(0, 1), max_size=12))
def test_holm_is_the_definition(p_values):
    adjusted, running = {}, 0.0
    order = sorted(range(len(p_values)), key=lambda each: p_values[each])
    for rank, each in enumerate(order):
        running = max(running, (len(order) - rank) * p_values[each])
        adjusted[each] = min(1, running)
    assert statistics.holm(p_values) == [adjusted[each] for each in range(len(p_values))]


@given(st.lists(st.tuples(FLOATS, FLOATS), min_size=2, max_size=20))
def test_the_paired_test_is_that_of_scipy(pairs):
    treated, baseline = map(list, zip(*pairs, strict=True))
    differences = np.subtract(treated, baseline)
    greatest = np.abs([treated, baseline]).max()
    assume(np.ptp(differences) > 1e-6 * max(1, greatest))
    found = statistics.paired_difference(treated, baseline)
    expected = scipy.stats.ttest_rel(treated, baseline)
    low, high = expected.confidence_interval()
    assert found.mean == pytest.approx(differences.mean(), rel=1e-9, abs=1e-9 * greatest)
    assert found.p == pytest.approx(expected.pvalue, rel=1e-4, abs=1e-12)
    scale = max(abs(low), abs(high), 1e-9)
    assert found.low == pytest.approx(low, rel=1e-4, abs=1e-4 * scale)
    assert found.high == pytest.approx(high, rel=1e-4, abs=1e-4 * scale)


@given(st.integers(1, 10**6), st.data())
def test_an_interval_of_a_proportion_holds_it(count, data):
    hits = data.draw(st.integers(0, count))
    low, high = statistics.wilson_interval(hits / count, count)
    assert 0 <= low <= hits / count <= high <= 1
    assert high - low > 0


IMAGES = arrays.arrays(
    np.float32, (2, 12, 11, 1), elements=st.floats(0, 1, width=32), fill=st.floats(0, 1, width=32)
)


@given(IMAGES, IMAGES)
def test_psnr_is_the_definition(images, clean):
    error = np.mean((images.astype(float) - clean) ** 2, axis=(1, 2, 3))
    with np.errstate(divide="ignore"):
        expected = np.minimum(-10 * np.log10(error), image.BEST_PSNR)
    np.testing.assert_allclose(image.psnr(images, clean), expected, rtol=1e-3, atol=1e-3)


@given(IMAGES, st.floats(0.1, 10), st.floats(-5, 5))
def test_exposure_does_not_change_the_scale_invariant_psnr(images, scale, offset):
    clean = np.linspace(0, 1, images[0].size).reshape(images[0].shape)
    assume(images[0].std() > 0.01)
    plain = image.scale_invariant_psnr(images[0], clean)
    assert image.scale_invariant_psnr(scale * images[0] + offset, clean) == pytest.approx(
        plain, abs=0.01
    )


@given(arrays.arrays(np.float64, (7, 3), elements=st.floats(-30, 30)), st.data())
def test_metrics_of_a_classifier_are_within_their_range(logits, data):
    labels = np.array(data.draw(st.lists(st.integers(0, 2), min_size=7, max_size=7)))
    probabilities = classification.probabilities(logits)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-5)
    for name, low in (("accuracy", 0), ("balanced_accuracy", 0), ("auc", 0), ("kappa", -1)):
        value = classification.parse(name)(probabilities, labels)
        assert math.isnan(value) or low <= value <= 1
    assert 0 <= classification.expected_calibration_error(probabilities, labels) <= 1


@given(st.lists(st.tuples(TEXT, TEXT, st.floats(allow_nan=False)), max_size=5))
def test_rows_survive_their_file(rows):
    folder = os.environ["PYTEST_PROPERTY_FOLDER"]
    path = os.path.join(folder, "rows.csv")
    given_rows = [
        {"run": run, "dataset": name, "metric": "m", "value": value} for run, name, value in rows
    ]
    csv_rows.write_rows(path, given_rows)
    for row, found in zip(given_rows, csv_rows.read_rows(path), strict=True):
        assert (found["run"], found["dataset"]) == (row["run"], row["dataset"])
        assert float(found["value"]) == row["value"]


@pytest.fixture(autouse=True, scope="module")
def _folder(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTEST_PROPERTY_FOLDER", str(tmp_path_factory.mktemp("rows")))
        yield


@given(TEXT)
def test_no_cell_is_a_formula(given_text):
    cell = sheets.to_cell(given_text)
    assert sheets.from_cell(cell) == given_text
    if cell[:1] in ("=", "+", "-", "@"):
        float(cell)  # a number, and nothing else


@given(TEXT)
def test_a_shown_name_moves_no_cursor(given_text):
    for shown in (text.printable(given_text), text.name(given_text)):
        assert not any(character in shown for character in "\x1b\x07\x08\r\u202e\u2066")
    assert "\n" not in text.name(given_text)
    assert text.printable("plain " + "text") == "plain text"


@given(
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00/"), min_size=1),
    st.integers(40, 255),
)
def test_a_short_name_fits(name, most):
    assume(name not in (".", ".."))
    made = file_names.short(name, most)
    assert len(os.fsencode(made)) <= most
    assert made == name or len(os.fsencode(name)) > most
    assert made == file_names.short(made, most)


@given(st.integers(0, 10**4), st.integers(1, 10**6), st.integers(1, 50), st.integers(1, 10**8))
def test_pieces_cover_all_rows_once(count, row_bytes, multiple, most):
    with limits.use(piece_bytes=most):
        found = chunks.pieces(count, row_bytes, multiple)
    assert [row for piece in found for row in range(count)[piece]] == list(range(count))
    for piece in found[:-1]:
        rows = piece.stop - piece.start
        assert rows % multiple == 0
        assert rows * row_bytes <= most or rows == multiple


@given(st.data())
def test_codes_survive_to_half_a_level(data):
    shape = data.draw(st.tuples(st.integers(1, 6), st.integers(1, 4)))
    codes = data.draw(arrays.arrays(np.float32, shape, elements=st.floats(-1e6, 1e6, width=32)))
    bits = data.draw(st.integers(1, 16))
    restored = compression.decompress_codes(compression.compress_codes(codes, bits))
    level = np.ptp(codes.astype(float), axis=0) / (2**bits - 1)
    assert restored.shape == codes.shape
    rounding = 1e-6 * np.abs(codes).max()
    assert (np.abs(restored - codes.astype(float)) <= level / 2 + rounding).all()


@given(
    st.sampled_from([np.uint8, np.uint16, np.float32]).flatmap(
        lambda kind: arrays.arrays(
            kind,
            (2, 3, 3, 1),
            elements=st.floats(0, 1, width=32) if kind is np.float32 else None,
        )
    )
)
def test_integers_become_fractions_of_their_greatest_value(images):
    unit = image_dataset.to_unit(images)
    assert unit.dtype == np.float32
    most = 1 if images.dtype.kind == "f" else np.iinfo(images.dtype).max
    np.testing.assert_allclose(unit, images / most, rtol=1e-6)
