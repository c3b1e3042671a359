"""`python -m tfdvae ...` is `tfdvae ...`."""

import sys

from tfdvae.cli.entry import main

sys.exit(main())
