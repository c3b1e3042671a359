"""Names of files and folders as users have them."""

from tests.helpers.cases import Case, table


def _empty_dataset(folder, command):
    done = command("train", "--dataset", "")
    assert done.returncode == 2
    assert "`dataset`" in done.stderr


@table(Case("--dataset ''", "refused by name", _empty_dataset))
def test_arguments(case, tmp_path, command):
    case.check(tmp_path, command)
