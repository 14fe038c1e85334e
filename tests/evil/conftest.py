"""One real server for each module of attacks; peers are made by the tests."""

from collections.abc import Iterator

import pytest

from tests.evil.stage import Node, Stage
from tests.interop.conftest import openssh, own_site  # noqa: F401 - fixtures
from tests.support.aws_cli import AwsCli, AwsStack


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory, aws_cli: AwsCli) -> Iterator[Stage]:
    """A server with nobody but its administrator."""
    stack = AwsStack(tmp_path_factory.mktemp("stage"), aws_cli)
    try:
        stack.start_server()
        yield Stage(stack)
    finally:
        stack.stop()


@pytest.fixture(scope="module")
def node(stage: Stage) -> Node:
    """A registered node in the hands of the test."""
    return stage.add_node()


@pytest.fixture(scope="module")
def other_node(stage: Stage) -> Node:
    """Another one."""
    return stage.add_node()
