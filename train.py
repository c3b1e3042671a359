"""`python train.py ...` is `tfdvae train ...`."""

import sys

from tfdvae.cli.entry import main

if __name__ == "__main__":
    sys.exit(main(["train", *sys.argv[1:]]))
