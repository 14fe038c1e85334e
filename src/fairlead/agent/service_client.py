"""The calls of a node to the session service: `POST /` in AWS JSON 1.1, target prefix `AmazonSSM`.

Who signs is the caller's choice: nobody (RegisterManagedInstance), the node's key (the role token and the key
change), or the role's credentials (the heartbeat).
"""

from __future__ import annotations

import asyncio
import calendar
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fairlead.agent.errors import MalformedAnswerError, ServiceError
from fairlead.aws.sigv4 import Request
from fairlead.transport.errors import printable

if TYPE_CHECKING:
    from fairlead.agent.connector import Connector
    from fairlead.transport.http import Response

    RequestSigner = Callable[[Request], list[tuple[str, str]]]
    """Gives the headers that sign a request. It may block for the time of a child process."""

CONTENT_TYPE = "application/x-amz-json-1.1"
TARGET_PREFIX = "AmazonSSM"
OWN_TARGET_PREFIX = "Fairlead_20261101"
"""Of the operation that AWS has no counterpart of."""

MAX_FIELD_CHARACTERS = 64 * 1024
"""Longest text member of an answer that is taken, session tokens included."""

MAX_LIFETIME_S = 366 * 86_400
"""A role token that claims to live longer is taken for malformed."""


@dataclass(frozen=True, slots=True)
class RoleToken:
    """The answer of RequestManagedInstanceRoleToken. `expires_at` in epoch seconds."""

    access_key_id: str
    secret_access_key: str
    session_token: str
    expires_at: float
    update_key_pair: bool

    def __repr__(self) -> str:
        return f"<RoleToken {self.access_key_id}>"


class ServiceClient:
    """Calls operations of one server. Every call may raise `ServiceError`, `MalformedAnswerError` or a
    `TransportError`."""

    def __init__(self, connector: Connector) -> None:
        self._connector = connector

    async def register_managed_instance(
        self, activation_id: str, activation_code: str, fingerprint: str, public_key: str
    ) -> str:
        """Register this node and return its id. Unsigned: the activation code is the proof."""
        answer = await self._call(
            "RegisterManagedInstance",
            {
                "ActivationCode": activation_code,
                "ActivationId": activation_id,
                "Fingerprint": fingerprint,
                "PublicKey": public_key,
                "PublicKeyType": "Rsa",
            },
            None,
        )
        return _text(answer, "InstanceId")

    async def register_instance(self, members: Mapping[str, str]) -> tuple[str, str]:
        """Register this node by its instance identity document; its id and region. Unsigned: the members hold
        the proof."""
        answer = await self._call("RegisterInstance", members, None, OWN_TARGET_PREFIX)
        return _text(answer, "InstanceId"), _text(answer, "Region")

    async def request_role_token(self, fingerprint: str, signer: RequestSigner, now: float) -> RoleToken:
        """Ask for credentials of the node's role, proving possession of the node's key."""
        answer = await self._call("RequestManagedInstanceRoleToken", {"Fingerprint": fingerprint}, signer)
        expires_at = answer.get("TokenExpirationDate")
        if not isinstance(expires_at, int | float) or not now < expires_at <= now + MAX_LIFETIME_S:
            raise MalformedAnswerError(
                "the server's role token has no usable TokenExpirationDate; are both clocks right?"
            )
        return RoleToken(
            _text(answer, "AccessKeyId"),
            _text(answer, "SecretAccessKey"),
            _text(answer, "SessionToken"),
            float(expires_at),
            answer.get("UpdateKeyPair") is True,
        )

    async def update_public_key(self, public_key: str, signer: RequestSigner) -> None:
        """Replace the node's public key; signed with the key that is in force until then."""
        members = {"NewPublicKey": public_key, "NewPublicKeyType": "Rsa"}
        await self._call("UpdateManagedInstancePublicKey", members, signer)

    async def update_instance_information(self, members: Mapping[str, str], signer: RequestSigner) -> object:
        """The heartbeat. A Fairlead server answers with the last checkpoint of its audit log."""
        return (await self._call("UpdateInstanceInformation", members, signer)).get("AuditCheckpoint")

    async def _call(
        self,
        operation: str,
        members: Mapping[str, str],
        signer: RequestSigner | None,
        prefix: str = TARGET_PREFIX,
    ) -> dict[str, Any]:  # the members of a JSON document
        endpoint = self._connector.endpoint
        body = json.dumps(members, separators=(",", ":")).encode()
        headers = [
            ("Host", endpoint.host_header),
            ("Content-Type", CONTENT_TYPE),
            ("X-Amz-Target", f"{prefix}.{operation}"),
        ]
        if signer is not None:
            request = Request("POST", "/", "", headers, body)
            headers += await asyncio.to_thread(signer, request)
        response = await self._connector.exchange("POST", "/", headers, body)
        return parse_answer(operation, response, time.time())


def parse_answer(operation: str, response: Response, now: float) -> dict[str, Any]:
    """The members of a successful answer; raises `ServiceError` for an error, `MalformedAnswerError` for
    neither.

    The error's code is the part of `__type` behind the last `#` (AWS JSON 1.1).
    """
    try:
        document = json.loads(response.body) if response.body else {}
    except (ValueError, RecursionError):
        document = None
    if response.head.status == 200:
        if not isinstance(document, dict):
            raise MalformedAnswerError(
                f"the server answered {operation} with something else than a JSON object"
            )
        return document
    members = document if isinstance(document, dict) else {}
    code = str(members.get("__type") or "").rpartition("#")[2]
    text = str(members.get("message") or members.get("Message") or response.head.reason)
    raise ServiceError(
        operation,
        response.head.status,
        printable(code, 100),
        printable(text),
        clock_offset_s(response.head.value("date"), now),
    )


def clock_offset_s(date: str, now: float) -> float | None:
    """The server's clock minus ours, from an HTTP date (RFC 9110 §5.6.7); None where there is none."""
    try:
        return calendar.timegm(time.strptime(date, "%a, %d %b %Y %H:%M:%S GMT")) - now
    except ValueError:
        return None


def _text(answer: Mapping[str, Any], name: str) -> str:
    value = answer.get(name)
    if (
        not isinstance(value, str)
        or not value
        or len(value) > MAX_FIELD_CHARACTERS
        or not value.isprintable()
    ):
        raise MalformedAnswerError(f"the server's answer has no usable {name}")
    return value
