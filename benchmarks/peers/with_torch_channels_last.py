"""PyTorch with memory laid out with channels last, which some processors like better."""

from functools import partial

from with_torch import cnn
from worker import serve

if __name__ == "__main__":
    serve({"cnn": partial(cnn, "float32", True), "cnn-bfloat16": partial(cnn, "bfloat16", True)})
