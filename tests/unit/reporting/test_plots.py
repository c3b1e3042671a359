import itertools

import matplotlib.image
import numpy as np
import pytest

from tfdvae.reporting import image_plots, plots

GREY, RGB = (np.random.default_rng(0).normal(0.5, 0.5, (3, 6, 5, channels)) for channels in (1, 3))
CURVE = [
    {"epoch": epoch, "step": 10 * epoch, "loss": 1 / epoch, "accuracy": 1 - 1 / epoch}
    for epoch in (1, 2, 3)
]
LOSSES = [
    {"epoch": epoch, "step": epoch, "loss": 3.0, "reconstruction_loss": 2.0, "kl_loss": 1.0}
    for epoch in (1, 2)
]
ROWS = [
    {"augmentation": name, "test_corruption": corruption, "metric": metric, "value": 0.5}
    for name in ("limited", "vae", "dvae")
    for corruption in ("none", "gaussian:0.1", "salt_and_pepper:0.2")
    for metric in ("accuracy", "accuracy_low", "accuracy_high")
]
VALUES = {unit: np.linspace(-2, 2, 4) for unit in range(4)}

FIGURES = {
    "grey rows": lambda path: image_plots.image_rows(
        {"a": GREY, "b": GREY[:2]}, "title", path, ["x", "y", "z"]
    ),
    "RGB rows": lambda path: image_plots.image_rows({"a": RGB}, "title", path),
    "one image": lambda path: image_plots.image_rows({"": GREY[:1]}, "title", path),
    "losses": lambda path: plots.training_loss(LOSSES, "title", "nats per image", path),
    "loss of one epoch": lambda path: plots.training_loss(
        [{"epoch": 1, "step": 1, "loss": 3.0, "reconstruction_loss": 3.0}],
        "title",
        "nats per image",
        path,
    ),
    "latent grid": lambda path: image_plots.latent_grids(
        {(0, 1): np.random.default_rng(0).random((4, 4, 6, 5, 1))}, VALUES, "title", path
    ),
    "latent grids": lambda path: image_plots.latent_grids(
        {(0, j): np.zeros((4, 4, 6, 5, 3)) for j in (1, 2, 3)} | {(1, 2): np.ones((4, 4, 6, 5, 3))},
        VALUES,
        "t",
        path,
    ),
    "learning curves": lambda path: plots.learning_curves(
        {"limited": CURVE, "vae": CURVE}, "title", path
    ),
    "scores": lambda path: plots.scores_against_noise(
        {"limited": [(80.0, 1.0), (70.0, float("nan"))], "dvae": [(82.0, 0.5), (75.0, 2.0)]},
        ("none", "gaussian:0.1"),
        "title",
        "points",
        path,
    ),
    **{
        f"loss curves in {count} panels": lambda path, count=count: plots.loss_curves(
            {str(panel): {"train": [3.0, 2.0], "test": [3.0, 2.5]} for panel in range(count)},
            "title",
            path,
            "nats per image",
        )
        for count in (1, 2, 5)
    },
    "accuracy": lambda path: plots.accuracy_against_noise(ROWS, "title", path),
}


@pytest.mark.parametrize("name", FIGURES)
def test_draws_a_legible_picture(name, tmp_path, recwarn):
    path = tmp_path / "figures" / "figure.png"
    FIGURES[name](path)
    picture = matplotlib.image.imread(path)
    assert 150 < picture.shape[0] < 3000
    assert 150 < picture.shape[1] < 3000
    assert picture[..., :3].std() > 0.01
    assert [file.name for file in path.parent.iterdir()] == ["figure.png"]
    assert not recwarn.list


def test_latent_grid_orientation(tmp_path, monkeypatch):
    """Unit i grows to the right, unit j upwards."""
    drawn = []
    monkeypatch.setattr(
        matplotlib.axes.Axes, "imshow", lambda axes, image, *_, **__: drawn.append(image)
    )
    grid = np.zeros((2, 2, 1, 1, 1))
    grid[0, 1], grid[1, 0] = 0.25, 0.75
    image_plots.latent_grids(
        {(0, 1): grid}, {0: np.array([-1, 1]), 1: np.array([-1, 1])}, "t", tmp_path / "x.png"
    )
    assert drawn[0].tolist() == [[0.75, 0], [0, 0.25]]


def test_looks_of_many_curves_are_distinct():
    """Of the first eight each has a color and a marker of its own."""
    first = list(itertools.islice(plots.looks(), 64))
    assert len(set(first)) == 64
    assert first[0] == ("#0072B2", "o", "-")
    assert len({color for color, _, _ in first[:8]}) == len({mark for _, mark, _ in first[:8]}) == 8


def test_a_curve_of_each_of_many_training_sets(tmp_path, monkeypatch):
    """None is left out, but for the accuracy of one that has none."""
    drawn = []
    monkeypatch.setattr(plots, "save", lambda figure, path: drawn.append(figure))
    history = [{"step": 1, "loss": 2.0, "accuracy": 0.5}, {"step": 2, "loss": 1.0, "accuracy": 0.6}]
    without = [{"step": 1, "loss": 2.0}, {"step": 2, "loss": 1.0}]
    histories = {"own": without} | {f"set {number}": history for number in range(12)}
    plots.learning_curves(histories, "many", tmp_path / "many.png")
    loss, accuracy = drawn[0].axes
    assert (len(loss.lines), len(accuracy.lines)) == (13, 12)
    assert list(accuracy.lines[0].get_ydata()) == [50.0, 60.0]
    assert accuracy.lines[0].get_color() == loss.lines[1].get_color() == plots.COLORS[1]
