"""The tests of the pure packages are pure too: no socket, no sleep, no clock, nothing replaced."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.named_tests import TESTS

PURE = ("aws", "protocol", "policy", "transparency", "domain")
BANNED_MODULES = {
    "asyncio",
    "http",
    "multiprocessing",
    "random",
    "select",
    "socket",
    "ssl",
    "threading",
    "time",
}
BANNED_NAMES = {"monkeypatch", "mock", "patch", "sleep"}


def _test_files() -> list[Path]:
    return sorted(path for package in PURE for path in (TESTS / "unit" / package).rglob("*.py"))


def _names(tree: ast.AST) -> Iterator[str]:
    """First words of imported modules, arguments of functions, attributes and names in use."""
    for node in ast.walk(tree):
        match node:
            case ast.Import():
                yield from (f"import {alias.name.partition('.')[0]}" for alias in node.names)
            case ast.ImportFrom():
                yield f"import {(node.module or '').partition('.')[0]}"
            case ast.arg():
                yield node.arg
            case ast.Attribute():
                yield node.attr
            case ast.Name():
                yield node.id


@pytest.mark.parametrize("path", _test_files(), ids=lambda path: str(path.relative_to(TESTS)))
def test_a_test_of_a_pure_package_opens_waits_for_and_replaces_nothing(path: Path) -> None:
    names = set(_names(ast.parse(path.read_text(encoding="utf-8"))))
    assert names & {f"import {module}" for module in BANNED_MODULES} == set()
    assert names & BANNED_NAMES == set()


def test_every_pure_package_has_tests() -> None:
    assert {path.relative_to(TESTS / "unit").parts[0] for path in _test_files()} == set(PURE)
