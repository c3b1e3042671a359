import csv

import numpy as np
import pytest

from tfdvae.classifying import predicting


@pytest.mark.parametrize(
    ("head", "classes", "columns"),
    [
        (["file"], ["cat", "dog"], ["cat", "dog"]),
        (["file"], ["label", "file"], ["class label", "class file"]),
        (["file"], ["label", "class label"], ["class class label", "class label"]),
        (["file"], ["split", "probability"], ["split", "class probability"]),
        (["file", "split", "true_label"], ["split", "=cat"], ["class split", "'=cat"]),
    ],
)
def test_no_two_columns_have_one_name(head, classes, columns, tmp_path):
    rows = [([*head], np.array([0.25, 0.75]))]
    predicting.write(tmp_path / "out.csv", head, classes, rows)
    with open(tmp_path / "out.csv", newline="") as file:
        names, row = csv.reader(file)
    assert names == [*head, "label", "probability", *columns]
    assert row[len(head) + 1 :] == ["0.75", "0.25", "0.75"]
