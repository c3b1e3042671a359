"""Commands of tfdvae that are computed elsewhere: in other processes, and on other machines."""
