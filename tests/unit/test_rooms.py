"""Which module may know which, and what no module may do. The rooms are those of `tfdvae/`."""

import ast
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from tests.helpers.processes import ROOT

# A module imports from its own room and from rooms above it.
ROOMS = (
    "_utils",
    "csv_rows",
    "corruptions",
    "registry",
    "metrics",
    "config",
    "computing",
    "image_io",
    "data",
    "models",
    "inference",
    "classifier",
    "reporting",
    "fitting",
    "learning",
    "training_sets",
    "experiment",
    "studies",
    "classifying",
    "inspection",
    "cli",
)
MOST_LINES = 300
WITHOUT_TENSORFLOW = (
    "tfdvae",
    "tfdvae.registry",
    "tfdvae.corruptions",
    "tfdvae.config",
    "tfdvae.studies.registry",
    "tfdvae.metrics.latent_codes",
    "tfdvae.reporting.explorer",
    "tfdvae.cli.main",
)

# Exceptions, each with its reason.
IMPORTS_FROM_BELOW: dict[tuple[str, str], str] = {}
LONG_MODULES: dict[str, str] = {}
PRIVATE_NAMES: dict[tuple[str, str], str] = {}


def modules() -> Iterator[tuple[str, Path, ast.Module]]:
    """Yield name below `tfdvae`, path and syntax tree of each module but the two at the top."""
    package = ROOT / "tfdvae"
    for path in sorted(package.rglob("*.py")):
        name = ".".join(path.relative_to(package).with_suffix("").parts).removesuffix(".__init__")
        if name not in ("__init__", "__main__"):
            yield name, path, ast.parse(path.read_text())


MODULES = list(modules())


def imported(tree: ast.Module) -> Iterator[tuple[str, ast.ImportFrom | ast.Import, str]]:
    """Yield each module or name of tfdvae that a module imports, wherever it does.

    Yields:
        Its name below `tfdvae`, the statement, and the name that it gets in the module.
    """
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            if node.module is not None and node.module.split(".")[0] == "tfdvae":
                room = node.module.removeprefix("tfdvae").removeprefix(".")
                for name in node.names:
                    yield f"{room}.{name.name}".strip("."), node, name.asname or name.name
        elif isinstance(node, ast.Import):
            for name in node.names:
                if name.name.split(".")[0] == "tfdvae":
                    below = name.name.removeprefix("tfdvae").removeprefix(".")
                    yield below, node, name.asname or "tfdvae"


def test_every_module_is_in_a_room():
    assert {name.split(".")[0] for name, _, _ in MODULES} == set(ROOMS)


def test_modules_import_from_rooms_above_their_own():
    wrong = set()
    for module, _, tree in MODULES:
        room = ROOMS.index(module.split(".")[0])
        for name, _, _ in imported(tree):
            head = name.split(".")[0]
            if head in ROOMS and ROOMS.index(head) > room:
                wrong.add((module, ".".join(name.split(".")[:2])))
    assert wrong == set(IMPORTS_FROM_BELOW)


def test_no_module_is_long():
    long = {name for name, path, _ in MODULES if len(path.read_text().splitlines()) > MOST_LINES}
    assert long == set(LONG_MODULES)


def test_lines_of_templates_and_scripts_are_short_and_end_without_blanks():
    files = [path for path in (ROOT / "tfdvae").rglob("*") if path.suffix in (".jinja", ".js")]
    lines = {
        f"{path.name}:{number}": line
        for path in files
        for number, line in enumerate(path.read_text().split("\n"), start=1)
    }
    assert len(files) > 2
    assert not [where for where, line in lines.items() if len(line) > 100 or line != line.rstrip()]


def test_lines_of_prose_are_short():
    """Tables, links, commands for a shell and words that are longer themselves may be longer."""
    pages = [ROOT / name for name in ("README.md", "CHANGELOG.md", "CONTRIBUTING.md")]
    for folder in ("docs", "tests", "tfdvae"):
        pages += (ROOT / folder).rglob("*.md")
    long = [
        f"{page.relative_to(ROOT)}:{number}"
        for page in pages
        for number, line in enumerate(page.read_text().split("\n"), start=1)
        if len(line) > 100
        and not re.match(r"\||<!--|!\[|python3 -m venv|\s*\S+$", line)
        and "](" not in line
    ]
    assert len(pages) > 20
    assert not long


def private_names(tree: ast.Module) -> set[str]:
    """Return the private names of other modules of tfdvae that a module uses."""
    names, found = set(), set()
    for name, _, bound in imported(tree):
        names.add(bound)
        if name.rpartition(".")[2].startswith("_") and "." in name:
            found.add(name)
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Attribute)
            and isinstance(node.value, ast.Name)
            and node.value.id in names
            and node.attr.startswith("_")
        ):
            found.add(f"{node.value.id}.{node.attr}")
    return {name for name in found if "__" not in name}


def test_private_names_stay_in_their_module():
    wrong = {(module, name) for module, _, tree in MODULES for name in private_names(tree)}
    assert wrong == set(PRIVATE_NAMES)


def test_tests_use_no_private_names_of_the_package():
    wrong = set()
    for path in sorted((ROOT / "tests").rglob("*.py")):
        tree = ast.parse(path.read_text())
        found = private_names(tree)
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "setattr":
                found |= {
                    argument.value
                    for argument in node.args[1:2]
                    if isinstance(argument, ast.Constant) and str(argument.value).startswith("_")
                }
        wrong |= {(path.name, name) for name in found}
    assert not wrong


def test_the_library_does_not_print():
    wrong = {
        f"{module}:{node.lineno}"
        for module, _, tree in MODULES
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "print"
        and module.split(".")[0] != "cli"
    }
    assert not wrong


def test_rooms_without_tensorflow():
    """Importing them is fast, so that a misspelt name is refused at once."""
    code = (
        f"import sys, {', '.join(WITHOUT_TENSORFLOW)}\n"
        "print(*{name.split('.')[0] for name in sys.modules} & {'tensorflow', 'keras'})"
    )
    process = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
        env=os.environ,
    )
    assert process.stdout.strip() == ""
