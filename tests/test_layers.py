"""Arrows point down: tasks → checks → operations → facts → core; and no task knows of another."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = "voicemode_whisper"
# What each layer may import of the package, besides itself.
LAYERS = {
    "core": (),
    "scripts": ("core",),
    "facts": ("core", "scripts"),
    "operations": ("core", "facts", "scripts", "unit_files"),
    "checks": ("core", "facts", "host", "operations"),
}
TASKS = sorted((ROOT / "tasks").glob("*.py"))
CHECKS = f"{PACKAGE}.checks."
# What checks of several topics share.
EXAMINATION = f"{CHECKS}examination."


def imported(file: Path) -> Iterator[str]:
    """The full names of all that a module imports."""
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{'.' * node.level}{node.module or ''}.{x.name}" for x in node.names)


@pytest.mark.parametrize("file", TASKS, ids=lambda file: file.name)
def test_a_task_imports_no_other(file: Path):
    others = ("tasks.", f"{PACKAGE}.tasks.", ".")
    assert [name for name in imported(file) if name.startswith(others)] == []


def test_a_check_imports_none_of_another_topic():
    for file in (ROOT / PACKAGE / "checks").glob("*.py"):
        others = [name for name in imported(file) if name.startswith((CHECKS, "."))]
        assert [name for name in others if not name.startswith(EXAMINATION)] == [], file


@pytest.mark.parametrize("layer", LAYERS)
def test_a_layer_imports_what_lies_below_it(layer: str):
    allowed = tuple(f"{PACKAGE}.{name}." for name in (layer, *LAYERS[layer]))
    files = sorted((ROOT / PACKAGE / layer).rglob("*.py"))
    assert files
    for file in files:
        ours = [f"{name}." for name in imported(file) if f"{name}.".startswith(f"{PACKAGE}.")]
        assert [name for name in ours if not name.startswith(allowed)] == [], file


def test_core_needs_neither_hosts_nor_pyinfra():
    for file in (ROOT / PACKAGE / "core").rglob("*.py"):
        assert not [name for name in imported(file) if name.split(".")[0] == "pyinfra"], file
