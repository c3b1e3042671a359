"""Named sets of defaults for `tfdvae train`."""

RECIPES: dict[str, dict[str, object]] = {
    # The Keras DAE of OpenGenus as published; `--network pooled_conv` repairs its batch
    # normalization.
    "opengenus": {
        "model": "dae",
        "network": "pooled_conv_inference",
        "corruption": "clipped_gaussian:0.1",
        "likelihood": "mse",
        "epochs": 20,
        "batch_size": 64,
        "learning_rate": 3e-6,
        "beta_1": 0.99,
    },
    "conv-dae": {
        "model": "dae",
        "network": "residual_conv",
        "latent_dim": 16,
        "corruption": "clipped_gaussian:0.1",
        "epochs": 20,
        "batch_size": 32,
        "learning_rate": 2e-3,
        "schedule": "cosine",
    },
}

RECIPE_SUMMARIES = {
    "opengenus": "A published convolutional DAE (OpenGenus), with its settings.",
    "conv-dae": "A convolutional DAE that denoises well.",
}
