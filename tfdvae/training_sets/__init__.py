"""What classifiers are trained on: batches, what images are mixed with, and changes of the loss."""
