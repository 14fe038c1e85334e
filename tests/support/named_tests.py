"""Names of tests in pages of the documentation, held against the tests that exist.

A page writes a test as `folder/test_file.py::test` or `folder/test_file.py::Class::test`, below `tests/`.
"""

import ast
import re
from functools import cache
from pathlib import Path

TESTS = Path(__file__).parents[1]
DOCS = TESTS.parent / "docs"
NAME = re.compile(r"`((?:[\w-]+/)+test_\w+\.py(?:::\w+)*)`")
"""A test's name as a page writes it; also the name of a whole file, or of a class."""


def names_on(page: Path) -> list[str]:
    """Every test that a page names, once, in order of the alphabet."""
    return sorted(set(NAME.findall(page.read_text(encoding="utf-8"))))


def exists(name: str) -> bool:
    """Whether there is such a file and, where the name goes on, such a function, class or method in it."""
    file, separator, rest = name.partition("::")
    return (TESTS / file).is_file() and separator + rest in _names_in(file)


@cache
def _names_in(file: str) -> frozenset[str]:
    """`::function`, `::Class` and `::Class::method` of a test file; the empty name is the file itself."""
    tree = ast.parse((TESTS / file).read_text(encoding="utf-8"))
    names = {""}
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.add(f"::{node.name}")
        if isinstance(node, ast.ClassDef):
            names |= {f"::{node.name}::{inner.name}" for inner in node.body if hasattr(inner, "name")}
    return frozenset(names)
