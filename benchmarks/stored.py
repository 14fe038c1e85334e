"""A database as a large installation leaves it behind: nodes and sessions, written without their calls."""

import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import Engine, insert

from fairlead.store.engine import open_engine, sqlite_url, writing
from fairlead.store.migration import migrate
from fairlead.store.tables import nodes, sessions

ACCOUNT, REGION = "111122223333", "us-east-1"
FINGERPRINT = "9e1f7c52-8f0a-4a43-9d6f-0d6f5a3f9a10"
ROWS_TOGETHER = 5_000
PUBLIC_KEY_BYTES = 294  # RSA-2048, as every agent has

Row = dict[str, object]


def fill(
    state: Path, node_count: int, active: int = 0, ended: int = 0, public_key: bytes | None = None
) -> None:
    """Add nodes that were connected, and sessions, to the database of a server that is stopped.

    `public_key` (DER) is that of all nodes; None: nobody can sign as one of them.
    """
    engine = open_engine(sqlite_url(state / "fairlead.db"))
    fill_database(engine, node_count, active, ended, public_key)
    engine.dispose()


def fill_database(
    engine: Engine, node_count: int, active: int = 0, ended: int = 0, public_key: bytes | None = None
) -> None:
    """The same for a database of any kind."""
    migrate(engine)
    now = datetime.now(UTC)
    with writing(engine) as connection:
        for table, rows in (
            (nodes, _nodes(node_count, now, public_key)),
            (sessions, _sessions(node_count, active, ended, now)),
        ):
            batch: list[Row] = []
            for row in rows:
                batch.append(row)
                if len(batch) == ROWS_TOGETHER:
                    connection.execute(insert(table), batch)
                    batch = []
            if batch:
                connection.execute(insert(table), batch)


def _nodes(count: int, now: datetime, public_key: bytes | None) -> Iterator[Row]:
    for number in range(count):
        yield {
            "id": node_id(number),
            "account_id": ACCOUNT,
            "region": REGION,
            "activation_id": "0f0e0d0c-0b0a-4908-8706-050403020100",
            "iam_role": "service-role/FairleadNode",
            "name": f"node-{number}",
            "public_key": public_key or os.urandom(PUBLIC_KEY_BYTES),
            "fingerprint": FINGERPRINT,
            "registered_at": now,
            "last_ping_at": now,
            "connected_since": now,
            "agent_name": "fairlead-agent",
            "agent_version": "3.3.0.0",
            "platform_type": "Linux",
            "platform_name": "Debian GNU/Linux",
            "platform_version": "12",
            "ip_address": "192.0.2.1",
            "computer_name": f"node-{number}.example",
        }


def _sessions(node_count: int, active: int, ended: int, now: datetime) -> Iterator[Row]:
    for number in range(active + ended):
        is_active = number < active
        started_at = now - timedelta(seconds=number)
        yield {
            "id": f"alice-{number:026d}",
            "account_id": ACCOUNT,
            "region": REGION,
            "target": node_id(number % max(1, node_count)),
            "document_name": "AWS-StartSSHSession",
            "session_type": "Port",
            "parameters": {"portNumber": "22"},
            "properties": {"portNumber": "22"},
            "owner_arn": f"arn:aws:iam::{ACCOUNT}:user/alice",
            "owner_id": "AIDAEXAMPLEALICE00001",
            "source_address": "192.0.2.7",
            "status": "Connected" if is_active else "Terminated",
            "is_active": is_active,
            "started_at": started_at,
            "ended_at": None if is_active else now,
            "end_reason": None if is_active else "CLIENT_LEFT",
            "end_details": None if is_active else "",
            "bytes_to_node": None if is_active else number,
            "bytes_to_client": None if is_active else number,
        }


def node_id(number: int) -> str:
    """The id of a stored node."""
    return f"mi-{number:017x}"
