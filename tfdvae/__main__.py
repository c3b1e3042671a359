"""`python -m tfdvae ...` is `tfdvae ...`."""

import sys

from tfdvae.cli import main

sys.exit(main())
