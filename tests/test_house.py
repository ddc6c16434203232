"""The house as it is drawn: what lies where, what may import what, and that every module has its tests.

Read from the source text alone, so that a module which does not import is still seen.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "pacpinn"
FILES = sorted(PACKAGE.rglob("*.py"))
ROOMS = sorted(each.parent.name for each in PACKAGE.glob("*/__init__.py"))
LONGEST = 300


def name_of(file: Path) -> str:
    """``pacpinn.tasks.problem`` for pacpinn/tasks/problem.py, ``pacpinn.tasks`` for its ``__init__``."""
    parts = file.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


TREES = {name_of(file): ast.parse(file.read_text()) for file in FILES}


# What lies where ------------------------------------------------------------------------------------------------------


def test_nothing_but_rooms_lies_directly_in_the_package():
    files = {each.name for each in PACKAGE.iterdir() if each.is_file()}
    assert files == {"__init__.py", "__main__.py", "errors.py", "py.typed"}


def test_every_module_has_a_test_file_of_its_own():
    """``pacpinn/<room>/<file>.py`` is tested by ``tests/<room>/test_<file>.py``."""
    modules = [file.relative_to(PACKAGE) for file in FILES if not file.name.startswith("__")]
    expected = [Path("tests") / each.parent / f"test_{each.name}" for each in modules]
    lacking = [str(each) for each in expected if not (ROOT / each).is_file()]
    assert not lacking, "modules without a test file: write\n" + "\n".join(lacking)


@pytest.mark.parametrize("folder", ["pacpinn", "problems"])
def test_no_file_is_too_long_to_read_at_once(folder):
    lines = {str(each.relative_to(ROOT)): len(each.read_text().splitlines()) for each in (ROOT / folder).rglob("*.py")}
    long = [f"{name}: {count} lines" for name, count in sorted(lines.items()) if count > LONGEST]
    assert not long, f"more than {LONGEST} lines: split by job\n" + "\n".join(long)


# What may import what -------------------------------------------------------------------------------------------------


class Import(NamedTuple):
    """That a module imports a name from another; perhaps for type checkers alone."""

    module: str
    name: str
    typing: bool


def is_for_typing(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"


def imports_in(node: ast.AST, typing: bool = False) -> Iterator[Import]:
    """Every import of pacpinn in a syntax tree, also in functions and in ``if TYPE_CHECKING:``."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.ImportFrom) and (child.module or "").split(".")[0] == "pacpinn":
            yield from (Import(str(child.module), each.name, typing) for each in child.names)
        elif isinstance(child, ast.Import):
            yield from (Import(each.name, "", typing) for each in child.names if each.name.split(".")[0] == "pacpinn")
        else:
            yield from imports_in(child, typing or is_for_typing(child))


def home(found: Import) -> str:
    """The module that an import loads: a module of that name, or the one from which a room hands the name out."""
    if f"{found.module}.{found.name}" in TREES:
        return f"{found.module}.{found.name}"
    face = {each.name: each for each in imports_in(TREES[found.module]) if each.typing}
    is_room = (PACKAGE.parent / found.module.replace(".", "/")).is_dir()
    return home(face[found.name]) if is_room and found.name in face else found.module


def graph_of(room: str) -> dict[str, set[str]]:
    """Which modules of a room import which others of it, but for the exception below."""
    inside = {name: tree for name, tree in TREES.items() if name.startswith(f"pacpinn.{room}.")}
    needed = {name: {home(each) for each in imports_in(tree)} for name, tree in inside.items()}
    at_runtime = {name: {home(each) for each in imports_in(tree) if not each.typing} for name, tree in inside.items()}

    def only_types(one: str, other: str) -> bool:
        mutual = other in needed[one] and one in needed[other]
        return mutual and (other not in at_runtime[one] or one not in at_runtime[other])

    return {
        name: {other for other in others if other in inside and other != name and not only_types(name, other)}
        for name, others in needed.items()
    }


def circle_in(graph: dict[str, set[str]]) -> list[str]:
    """The modules of one circle, the first again at the end; empty if there is none."""
    done: set[str] = set()

    def search(name: str, path: list[str]) -> list[str]:
        if name in path:
            return [*path[path.index(name) :], name]
        if name in done:
            return []
        for other in sorted(graph[name]):
            if found := search(other, [*path, name]):
                return found
        done.add(name)
        return []

    return next(filter(None, (search(name, []) for name in sorted(graph))), [])


@pytest.mark.parametrize("room", ROOMS)
def test_no_circle_of_imports_inside_a_room(room):
    """Imports in functions and under ``TYPE_CHECKING`` count: a module is read with those that it names.

    One exception: two modules may import each other if one of the two imports is under ``TYPE_CHECKING`` alone, for two
    classes each of which names the other as a type.
    """
    assert not circle_in(graph_of(room)), " -> ".join(circle_in(graph_of(room)))


def test_a_circle_is_found():
    assert circle_in({"a": {"b"}, "b": {"c"}, "c": {"b"}}) == ["b", "c", "b"]
    assert circle_in({"a": {"b", "c"}, "b": {"c"}, "c": set()}) == []


@pytest.mark.parametrize("room", ["transfer", "solvers"])
def test_transfer_and_solvers_know_no_equation(room):
    """Directly; a task that they are given may well be an equation."""
    inside = {name: tree for name, tree in TREES.items() if f"{name}.".startswith(f"pacpinn.{room}.")}
    told = [f"{name} imports {home(each)}" for name, tree in inside.items() for each in imports_in(tree)]
    assert not [line for line in told if line.split()[-1].startswith("pacpinn.equations")]


# The faces ------------------------------------------------------------------------------------------------------------

FACE = """
from __future__ import annotations
from typing import TYPE_CHECKING
from pacpinn.runtime import lazy
__getattr__, __dir__, __all__ = lazy.face(__name__)
"""
FACES = {name_of(file): TREES[name_of(file)] for file in FILES if file.name == "__init__.py" and file.parent != PACKAGE}


@pytest.mark.parametrize("room", FACES)
def test_a_room_says_what_it_is(room):
    """At least three sentences: what the room is for, what it knows, what it must not know."""
    told = ast.get_docstring(FACES[room]) or ""
    sentences = [each for each in " ".join(told.split()).split(". ") if each]
    assert len(sentences) >= 3, f"{room} says {len(sentences)} sentences: {told}"
    assert len(told.splitlines()) <= 8


@pytest.mark.parametrize("room", FACES)
def test_a_room_holds_its_lazy_face_and_no_other_code(room):
    _, *code, table = FACES[room].body
    assert [ast.unparse(each) for each in code] == [ast.unparse(each) for each in ast.parse(FACE).body]
    assert is_for_typing(table)
    assert all(isinstance(each, ast.ImportFrom) for each in table.body)
    assert all(alias.asname == alias.name for each in table.body for alias in each.names)
