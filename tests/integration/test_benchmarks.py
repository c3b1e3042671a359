"""Scripts in `benchmarks/` take long, and no test runs them; each name that they use must exist."""

import ast
import importlib
import importlib.util
import re
import sys
import types

import pytest

from tests.helpers.processes import ROOT

SCRIPTS = sorted((ROOT / "benchmarks").glob("*.py"))


def trees(text):
    """Yield the tree of a script, and those of programs that it holds as text."""
    tree = ast.parse(text)
    yield tree
    for node in ast.walk(tree):
        value = node.value if isinstance(node, ast.Constant) else None
        if isinstance(value, str) and re.search(r"^(from|import) ", value, flags=re.MULTILINE):
            yield ast.parse(re.sub(r"\{[^{}]*\}", "'given'", value))


def imported(tree):
    """Return what the imports of a tree bind, by name."""
    found = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                module = importlib.import_module(alias.name)
                top = sys.modules[alias.name.partition(".")[0]]
                found[alias.asname or top.__name__] = module if alias.asname else top
        elif isinstance(node, ast.ImportFrom):
            module = importlib.import_module(node.module)
            for alias in node.names:
                if not hasattr(module, alias.name):
                    importlib.import_module(f"{node.module}.{alias.name}")
                found[alias.asname or alias.name] = getattr(module, alias.name)
    return found


def missing(tree):
    """Return the attributes of imported modules that a tree uses and that do not exist."""
    names = imported(tree)
    return [
        ast.unparse(node)
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and isinstance(names.get(node.value.id), types.ModuleType)
        and not hasattr(names[node.value.id], node.attr)
    ]


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.stem)
def test_names_that_a_script_uses_exist(path):
    assert [name for tree in trees(path.read_text()) for name in missing(tree)] == []


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.stem)
def test_help_of_a_script(path, monkeypatch, capsys):
    spec = importlib.util.spec_from_file_location(f"benchmark_{path.stem}", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(sys, "argv", [path.name, "--help"])
    with pytest.raises(SystemExit) as ended:
        module.main()
    assert ended.value.code == 0
    assert "usage:" in capsys.readouterr().out
