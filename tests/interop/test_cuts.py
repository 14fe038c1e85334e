"""Connections break in the middle of a copy, on both sides at once and again and again: nobody notices."""

import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.interop.conftest import Site
from tests.support.aws_cli import AwsCli, AwsStack
from tools.wire import Wire

pytestmark = [pytest.mark.interop, pytest.mark.slow]

MIB = 1 << 20
FILE_BYTES = 48 * MIB
CUTS = tuple(count * MIB for count in (4, 16, 28, 40, 52))
"""Every byte is carried twice, to the server and from it: all of these come before the copy is through."""


@pytest.fixture(scope="module")
def wire_and_site(
    openssh: None, tmp_path_factory: pytest.TempPathFactory, aws_cli: AwsCli
) -> Iterator[tuple[Wire, Site]]:
    """A site whose server is reached by the wire alone."""
    directory = tmp_path_factory.mktemp("cuts")
    wire = Wire()
    stack = AwsStack(directory, aws_cli, server_options=["--public-url", f"https://127.0.0.1:{wire.port}"])
    wire.lead_to(stack.port)
    try:
        stack.start_server()
        yield wire, Site(stack, stack.add_agent("node"), stack.add_ssh_server())
    finally:
        stack.stop()
        wire.close()


@pytest.fixture(autouse=True)
def _a_fresh_agent(wire_and_site: tuple[Wire, Site]) -> None:
    """One whose control channel was lost so often in so short a time waits long before it tries again."""
    _, site = wire_and_site
    site.agent.child.stop()
    site.agent = site.stack.start_agent("node")


@pytest.mark.parametrize("direction", ["up", "down"])
def test_a_copy_over_connections_that_are_cut_again_and_again_is_whole(
    wire_and_site: tuple[Wire, Site], client: str, direction: str, tmp_path: Path
) -> None:
    wire, site = wire_and_site
    original, copy = tmp_path / "original", tmp_path / "copy"
    original.write_bytes(secrets.token_bytes(FILE_BYTES))
    paths = (
        (original, f"{site.node_id}:{copy}") if direction == "up" else (f"{site.node_id}:{original}", copy)
    )
    cuts_before = wire.cuts
    wire.cut_after(*CUTS)
    done = site.scp(client, *paths)
    assert (done.status, done.stderr) == (0, "")
    assert wire.cuts - cuts_before == len(CUTS)
    assert copy.read_bytes() == original.read_bytes()
