"""Training that can be stopped and gone on with, to the same weights."""
