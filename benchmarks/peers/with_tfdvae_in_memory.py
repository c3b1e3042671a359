"""tfdvae with images in memory, beside those on disk."""

from functools import partial

from with_tfdvae import generator
from worker import serve

if __name__ == "__main__":
    serve({"dvae-mlp-disk": partial(generator, "dvae", "mlp")})
