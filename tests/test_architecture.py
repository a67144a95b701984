"""The rules of DESIGN.md that a machine can check."""

import ast
import importlib
import inspect
import pkgutil
import re
from pathlib import Path

import equinox as eqx
import pytest

import neuropil

SOURCE = Path(neuropil.__file__).parent
DESIGN = SOURCE.parents[1] / "DESIGN.md"
BASE = {"types", "norms", "result", "system", "conductance_system"}
FORBIDDEN_NAMES = {"utils", "core", "common", "helpers", "misc"}
DRAWING_ROOMS = {"plots", "studies", "web"}


def import_table() -> dict[str, set[str]]:
    """Read the table of DESIGN.md: each line is `room | rooms it may import`."""
    text = DESIGN.read_text()
    block = re.search(r"<!-- import table -->\n(.*?)<!-- end of import table -->", text, re.S)
    assert block, "DESIGN.md has lost its import table"
    table: dict[str, set[str]] = {}
    for line in block[1].splitlines():
        cells = [cell.strip().strip("`") for cell in line.strip("|").split("|")]
        if len(cells) != 2 or cells[0] in ("room", "") or set(cells[0]) <= {"-"}:
            continue
        names = {name.strip(" `") for name in cells[1].split(",")} - {"nothing", ""}
        table[cells[0]] = names - {"base"} | (BASE if "base" in names else set())
    return table


def room_of(path: Path) -> str:
    relative = path.relative_to(SOURCE)
    return relative.parts[0].removesuffix(".py")


def imports_of(path: Path):
    """Every import of the package in a file, lazy ones and relative ones too."""
    package = ("neuropil", *path.relative_to(SOURCE).parent.parts)
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, alias.name.split(".")
        elif isinstance(node, ast.ImportFrom):
            parts = list(package[: len(package) - node.level + 1]) if node.level else []
            parts += (node.module or "").split(".") if node.module else []
            if parts == ["neuropil"]:
                for alias in node.names:
                    yield node.lineno, [*parts, alias.name]
            else:
                yield node.lineno, parts


SOURCES = sorted(SOURCE.rglob("*.py"))


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: str(p.relative_to(SOURCE)))
def test_imports_follow_the_table(path):
    room = room_of(path)
    if room == "__init__":
        return
    table = import_table()
    assert room in table, f"{room} is not in the import table of DESIGN.md"
    for line, parts in imports_of(path):
        if parts[0] != "neuropil" or len(parts) == 1:
            if parts[0] == "matplotlib":
                assert room in DRAWING_ROOMS, f"{path}:{line} draws outside {DRAWING_ROOMS}"
            continue
        target = parts[1]
        if target == "__version__":
            continue
        assert target == room or target in table[room], f"{path}:{line} {room} imports {target}"


def test_the_table_has_no_cycles():
    table = import_table()
    visited: dict[str, int] = {}

    def visit(room: str, trail: tuple[str, ...]) -> None:
        assert room not in trail, " -> ".join((*trail, room))
        if room in visited:
            return
        for target in table[room]:
            visit(target, (*trail, room))
        visited[room] = 1

    for room in table:
        visit(room, ())


def test_one_study_does_not_import_another():
    machinery = {"contract", "claims", "store", "execution", "registry"}
    for path in (SOURCE / "studies").glob("*_[0-9][0-9][0-9][0-9]*/*.py"):
        study = path.parent.name
        for line, parts in imports_of(path):
            if parts[:2] == ["neuropil", "studies"] and len(parts) > 2:
                assert parts[2] in machinery | {study}, f"{path}:{line} imports {parts[2]}"


def test_no_room_without_a_subject():
    names = {part.removesuffix(".py") for p in SOURCES for part in p.relative_to(SOURCE).parts}
    assert not names & FORBIDDEN_NAMES


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: str(p.relative_to(SOURCE)))
def test_only_the_command_line_prints(path):
    if room_of(path) == "cli":
        return
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            assert node.func.id != "print", f"{path}:{node.lineno} prints"


def all_modules():
    for info in pkgutil.walk_packages(neuropil.__path__, "neuropil."):
        if not info.name.endswith("__main__"):
            yield importlib.import_module(info.name)


def test_every_module_is_abstract_or_final():
    """A class that others derive from is named Abstract...; no concrete class is derived from."""
    for module in all_modules():
        for _, cls in inspect.getmembers(module, inspect.isclass):
            if not (issubclass(cls, eqx.Module) and cls.__module__.startswith("neuropil")):
                continue
            for base in cls.__bases__:
                if base.__module__.startswith("neuropil") and issubclass(base, eqx.Module):
                    assert base.__name__.startswith("Abstract"), f"{cls} derives from {base}"


def test_every_public_name_has_a_docstring():
    for module in all_modules():
        for name in getattr(module, "__all__", ()):
            thing = getattr(module, name)
            if inspect.isfunction(thing) or inspect.isclass(thing):
                assert inspect.getdoc(thing), f"{module.__name__}.{name} has no docstring"
