import matplotlib.image
import numpy as np
import pytest

from tfdvae.reporting import figure_text, image_plots, plots
from tfdvae.studies.uses import figures

NAMES = {
    "two dollars": "price_$10_{$",
    "mathematics": r"$\frac{1}{2}$ \alpha x^2",
    "percent and backslash": r"50%\n_",
    "underscore first": "_hidden",
    "line break and control": "a\nb\x1b[31m\x07\u202e",
    "letters that the font lacks": "日本語 👩\u200d🔬",
    "from right to left": "עברית",
    "half of a character": "a\ud800",
    "long": "long name " * 40,
    "long word": "x" * 255,
    "empty": "",
}
CURVE = [{"epoch": epoch, "step": epoch, "loss": 1.0, "accuracy": 0.5} for epoch in (1, 2)]
LOSSES = [{"epoch": epoch, "step": epoch, "loss": 3.0} for epoch in (1, 2)]
ROWS = [
    {"augmentation": "limited", "test_corruption": "none", "metric": metric, "value": 0.5}
    for metric in ("accuracy", "accuracy_low", "accuracy_high")
]
IMAGES = np.random.default_rng(0).random((2, 6, 5, 1))
FIGURES = {
    "rows of images": lambda name, path: image_plots.image_rows(
        {"input": IMAGES}, name, path, [figure_text.column_name(name), "b"]
    ),
    "latent grids": lambda name, path: image_plots.latent_grids(
        {(0, 1): np.zeros((2, 2, 6, 5, 1))}, {0: np.arange(2), 1: np.arange(2)}, name, path
    ),
    "training loss": lambda name, path: plots.training_loss(LOSSES, name, name, path),
    "learning curves": lambda name, path: plots.learning_curves({name: CURVE}, name, path),
    "accuracy": lambda name, path: plots.accuracy_against_noise(
        [row | {"augmentation": name} for row in ROWS], name, path
    ),
    "scores": lambda name, path: plots.scores_against_noise(
        {name: [(80.0, 1.0)]}, ("none",), name, "points", path
    ),
    "loss curves": lambda name, path: plots.loss_curves({name: {name: [1.0]}}, name, path),
    "embeddings": lambda name, path: plots.embeddings(
        {name: (IMAGES[:, :2, 0, 0], np.arange(2)), "b": (IMAGES[:, :2, 0, 0], np.arange(2))},
        name,
        path,
    ),
    "quality against size": lambda name, path: figures.draw_compression(
        {f"{name}, PCA": [(1.0, 2.0), (10.0, 3.0)]}, name, path
    ),
}


def check_figure(figure, name, path, recwarn):
    FIGURES[figure](name, path)
    assert max(matplotlib.image.imread(path).shape[:2]) < 3000
    assert not recwarn.list


@pytest.mark.parametrize("name", NAMES)
def test_a_figure_takes_every_name(name, tmp_path, recwarn):
    check_figure("learning curves", NAMES[name], tmp_path / "figure.png", recwarn)


@pytest.mark.parametrize("figure", FIGURES)
def test_every_figure_takes_a_name_of_all_kinds(figure, tmp_path, recwarn):
    check_figure(
        figure, "_".join(name[:20] for name in NAMES.values()), tmp_path / "figure.png", recwarn
    )


def test_a_name_is_shown_as_it_is(tmp_path):
    """Not as the formula that it would be."""
    pictures = []
    for name in ("a$b$", "a\\$b\\$", "ab"):
        image_plots.image_rows({"": IMAGES}, name, tmp_path / "figure.png")
        pictures.append(matplotlib.image.imread(tmp_path / "figure.png"))
    assert not any(
        first.shape == second.shape and np.array_equal(first, second)
        for first, second in zip(pictures, [*pictures[1:], pictures[0]], strict=True)
    )


@pytest.mark.parametrize("name", ["_mine", "mine"])
def test_a_legend_hides_no_name(name, tmp_path, monkeypatch):
    drawn = []
    monkeypatch.setattr(
        plots, "save", lambda figure, path: drawn.append(figure.axes[0].get_legend())
    )
    plots.learning_curves({name: CURVE}, "title", tmp_path / "x.png")
    assert [text.get_text().strip() for text in drawn[0].get_texts()] == [name]


@pytest.mark.parametrize(
    ("text", "width", "shown"),
    [
        ("a title", 150, "a title"),
        ("two\nlines  of it", 150, "two\nlines  of it"),
        ("a very long name", 6, "a very\nlong\nname"),
        ("x" * 9, 4, "xxxx\nxxxx\nx"),
        ("a b c d e f", 1, "a\nb\nc\n…"),
        ("tab\tbell\x07", 150, "tab bell\\x07"),
    ],
)
def test_wrapped(text, width, shown):
    assert figure_text.wrapped(text, width) == shown


def test_column_names_have_no_lines_of_their_own():
    assert figure_text.column_name("T-shirt/top") == "T-shirt/top"
    assert figure_text.column_name("a\nb") == "a\\nb"
    assert figure_text.column_name("y" * 20) == f"{'y' * 16}\nyyyy"
