"""Denoise pictures by what is learned from them alone: `tfdvae denoise --learn`."""
