"""What agents and strangers ask gets its answer while the one thread that writes is busy."""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import pytest

from fairlead.aws import sigv4
from fairlead.control.node_credentials import issue
from fairlead.domain.callers import Caller
from fairlead.domain.errors import InvalidChannelToken, UnknownAccessKey
from fairlead.domain.operations.nodes import (
    REQUEST_MANAGED_INSTANCE_ROLE_TOKEN,
    UPDATE_INSTANCE_INFORMATION,
    DeregisterManagedInstanceRequest,
)
from fairlead.server.executor import DatabaseExecutor
from fairlead.server.shared_calls import share_reads
from fairlead.store.engine import open_engine, sqlite_url
from fairlead.store.migration import migrate
from fairlead.store.store import SqlStore
from tests.support.control_world import NODE_ID, ORIGIN, World, signed_request
from tests.support.factories import a_node
from tests.support.sealer import XorSealer
from tests.support.waiting import PATIENCE_S

STRANGER = sigv4.Credentials("AKIAIOSFODNN7STRANGE", "guessed")


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    engine = open_engine(sqlite_url(tmp_path / "fairlead.db"))
    migrate(engine)
    store = SqlStore(engine, XorSealer())
    world = World(store)
    world.role()
    world.node()
    yield world
    store.close()


def with_executor(world: World, test: Callable[[DatabaseExecutor], Awaitable[None]]) -> None:
    async def run() -> None:
        executor = DatabaseExecutor(1, reads_apart=world.store.reads_apart)
        handlers = dict.fromkeys((REQUEST_MANAGED_INSTANCE_ROLE_TOKEN, UPDATE_INSTANCE_INFORMATION), print)
        share_reads(executor, world.store, world.authenticator, world.channels, handlers)
        try:
            async with asyncio.timeout(PATIENCE_S):
                await test(executor)
        finally:
            executor.close()

    asyncio.run(run())


async def as_node(world: World, executor: DatabaseExecutor) -> Caller:
    issued, token = issue(world.env, NODE_ID, a_node().registered_at)
    credentials = sigv4.Credentials(issued.access_key_id, issued.secret_access_key, token)
    request = signed_request(credentials, world.now, service="ssmmessages")
    return await executor.run(world.authenticator.authenticate, request, ORIGIN, "ssmmessages")


def test_agents_come_in_and_strangers_are_refused_while_the_writer_is_busy(world: World) -> None:
    is_busy, gate = threading.Event(), threading.Event()

    def write() -> None:
        with world.store.transaction():
            is_busy.set()
            gate.wait(PATIENCE_S)

    async def test(executor: DatabaseExecutor) -> None:
        writing = asyncio.ensure_future(executor.run(write))
        try:
            await asyncio.to_thread(is_busy.wait, PATIENCE_S)
            strange = signed_request(STRANGER, world.now)
            calls = [executor.run(world.authenticator.authenticate, strange, ORIGIN, "ssm") for _ in range(9)]
            refusals = await asyncio.gather(*calls, return_exceptions=True)
            assert {type(refusal) for refusal in refusals} == {UnknownAccessKey}
            node = await as_node(world, executor)
            token = await executor.run(world.channels.create_control_channel, node, NODE_ID)
            opened_at = await executor.run(world.channels.open_control_channel, node, NODE_ID, token)
            assert opened_at == world.now
            assert await executor.run(world.channels.pending_sessions, NODE_ID) == []
            assert not writing.done()
        finally:
            gate.set()
            await writing

    with_executor(world, test)


def test_a_deregistration_is_in_force_at_once(world: World) -> None:
    async def test(executor: DatabaseExecutor) -> None:
        node = await as_node(world, executor)
        token = await executor.run(world.channels.create_control_channel, node, NODE_ID)
        removal = DeregisterManagedInstanceRequest(instance_id=NODE_ID)
        await executor.run(world.nodes.deregister_managed_instance, world.user(), removal)
        with pytest.raises(InvalidChannelToken):
            await executor.run(world.channels.open_control_channel, node, NODE_ID, token)
        with pytest.raises(UnknownAccessKey):
            await as_node(world, executor)
        assert await executor.run(world.channels.pending_sessions, NODE_ID) is None

    with_executor(world, test)
