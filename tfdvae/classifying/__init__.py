"""`tfdvae classify` and `tfdvae predict`: a classifier of the user's images, and its use."""
