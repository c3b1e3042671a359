"""`python -m tfdvae ...` is `tfdvae ...`."""

import sys

from tfdvae.cli.main import main

sys.exit(main())
