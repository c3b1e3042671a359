import numpy as np

from tfdvae.metrics import latent_codes


def test_points_of_two_groups_of_codes_are_apart():
    random = np.random.default_rng(0)
    codes = np.concatenate([random.normal(center, 0.1, (20, 5)) for center in (0, 5)])
    for points in (
        latent_codes.tsne(codes, perplexity=5, seed=0),
        latent_codes.principal_components(codes, 2, seed=0),
    ):
        assert points.shape == (40, 2)
        first, second = points[:20], points[20:]
        assert np.linalg.norm(first.mean(0) - second.mean(0)) > 2 * max(
            np.linalg.norm(part - part.mean(0), axis=1).max() for part in (first, second)
        )


def test_points_are_a_function_of_the_seed():
    codes = np.random.default_rng(0).random((20, 3))
    first, same, other = (latent_codes.tsne(codes, 5, seed, init="random") for seed in (0, 0, 1))
    assert np.array_equal(first, same)
    assert not np.array_equal(first, other)
