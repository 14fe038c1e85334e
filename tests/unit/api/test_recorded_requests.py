"""Recorded requests of the AWS programs, from the bytes of their headers to the code of the answer."""

import base64
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from fairlead.control.environment import Rate
from tests.support.api_client import Answer, ApiClient
from tests.support.control_world import World

RECORDED = Path(__file__).parents[2] / "vectors" / "http"
UNLIMITED = Rate(burst=1_000_000, per_s=1_000_000.0)
AUTHENTICATION_CODES = frozenset(
    (
        "AccessDenied",
        "ExpiredToken",
        "ExpiredTokenException",
        "IncompleteSignature",
        "IncompleteSignatureException",
        "InvalidClientTokenId",
        "InvalidSignatureException",
        "MissingAuthenticationToken",
        "MissingAuthenticationTokenException",
        "SignatureDoesNotMatch",
        "UnrecognizedClientException",
    )
)


def _recorded() -> Iterator[Any]:
    """API calls of users with lasting keys, and of nodes with their RSA key."""
    for path in sorted(RECORDED.glob("*.jsonl")):
        for line in path.read_text(encoding="utf-8").splitlines():
            row = json.loads(line)
            judged = row["verify"]
            is_api = row["target"].partition("?")[0] == "/"
            if is_api and not judged.get("session_token"):
                yield pytest.param(row, id=f"{path.stem}-{row['id']}")


def _send(row: dict[str, Any]) -> Answer:
    world = World(failed_signature_rate=UNLIMITED)
    world.now = datetime.fromtimestamp(row.get("now") or row["received_at"], UTC)
    judged = row["verify"]
    if judged["scheme"] == "rsa-pss":
        world.role()
        world.node(judged["access_key"], public_key=base64.b64decode(judged["public_key"]))
    elif judged["scheme"] != "none":
        world.key_of(world.user("alice"), judged["secret_key"], id=judged["access_key"])
    hosts = {value for name, value in row["headers"] if name.lower() == "host"}
    headers = [(name, value) for name, value in row["headers"]]
    client = ApiClient(world, hosts=sorted(hosts))
    return client.send(row["method"], row["target"], headers, bytes.fromhex(row["body_hex"]), chunk_bytes=50)


def _other_codes(row: dict[str, Any]) -> list[str]:
    """A node's RSA key is good for two operations; for any other its id is an access key that nobody has."""
    is_of_other_operation = row["verify"]["scheme"] == "rsa-pss" and "another operation" in row["mutation"]
    return ["UnrecognizedClientException"] if is_of_other_operation else []


@pytest.mark.parametrize("row", list(_recorded()))
def test_a_recorded_request_is_authenticated_or_refused_as_it_should_be(row: dict[str, Any]) -> None:
    answer = _send(row)
    expected = row["expect"]
    if expected["valid"] is False:
        assert answer.code in expected["codes"] + _other_codes(row)
        assert answer.status == expected["status"] or answer.code != expected["codes"][0]
    else:
        assert answer.code not in AUTHENTICATION_CODES


def test_there_are_recorded_requests() -> None:
    assert len(list(_recorded())) > 150
