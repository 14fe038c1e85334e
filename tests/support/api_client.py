"""The API over an installation in memory, called as an ASGI server would call it: no socket, no thread."""

import asyncio
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar
from xml.etree import ElementTree

from starlette.applications import Starlette

from fairlead.api.app import Api, create_app
from fairlead.api.handlers import UseCases, handlers_for
from fairlead.api.message_delivery import MessagePolls
from fairlead.api.origin import OriginReader
from fairlead.api.public_names import PublicNames
from fairlead.aws import sigv4
from fairlead.control.calls import record_refusal
from fairlead.domain.callers import Origin
from fairlead.domain.errors import InvalidIdentityToken, WebIdentityRefused
from fairlead.domain.web_identity import WebIdentity
from tests.support.control_world import World

T = TypeVar("T")
HOST = "fairlead.example:8443"
PEER = ("192.0.2.7", 40000)
CA = b"-----BEGIN CERTIFICATE-----\n"


class ImmediateExecutor:
    """Runs work where it is called, and counts it."""

    def __init__(self) -> None:
        self.runs = 0

    async def run(self, work: Callable[..., T], *arguments: object) -> T:
        self.runs += 1
        return work(*arguments)


@dataclass(frozen=True)
class Answer:
    """A response, complete."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def xml(self) -> ElementTree.Element:
        return ElementTree.fromstring(self.body)

    @property
    def code(self) -> str | None:
        """The error code in whichever protocol; None for a success."""
        if self.status == 200:
            return None
        if self.headers["content-type"].endswith("json-1.1"):
            return str(self.json["__type"])
        root = ElementTree.fromstring(self.body)
        found = root.find("{*}Error/{*}Code")
        return root.tag if found is None else found.text

    @property
    def message(self) -> str:
        if self.headers["content-type"].endswith("json-1.1"):
            return str(self.json["message"])
        return ElementTree.fromstring(self.body).findtext("{*}Error/{*}Message") or ""


class ApiClient:
    """Sends requests to the API of a world."""

    def __init__(self, world: World, hosts: Sequence[str] = (HOST,), ca: bytes | None = CA) -> None:
        self.world = world
        self.polls = MessagePolls(poll_s=0)
        self.executor = ImmediateExecutor()
        self.web_identity: WebIdentity | WebIdentityRefused = InvalidIdentityToken("No issuer is set up.")
        names = PublicNames([f"https://{host}" for host in hosts])
        self._app = self._make_app(names, ca)

    def send(
        self,
        method: str = "POST",
        target: str = "/",
        headers: Iterable[tuple[str, str]] = (),
        body: bytes = b"",
        chunk_bytes: int = 65536,
    ) -> Answer:
        """One request to one answer; the body comes in chunks."""
        path, _, query = target.partition("?")
        scope = {
            "type": "http",
            "method": method,
            "scheme": "https",
            "path": path,
            "raw_path": path.encode("latin-1"),
            "query_string": query.encode("latin-1"),
            "headers": [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers],
            "client": PEER,
            "server": ("127.0.0.1", 8443),
        }
        return asyncio.run(self._exchange(scope, body, chunk_bytes))

    def send_signed(
        self,
        credentials: sigv4.Credentials,
        service: str,
        headers: Iterable[tuple[str, str]],
        body: bytes,
        *,
        host: str = HOST,
        region: str = "us-east-1",
    ) -> Answer:
        """A POST, signed now."""
        complete = [("Host", host), *headers]
        complete += sigv4.sign_with(
            credentials,
            sigv4.Request("POST", "/", "", complete, body),
            region=region,
            service=service,
            now=self.world.now.timestamp(),
        )
        return self.send("POST", "/", complete, body)

    def call_json(
        self, credentials: sigv4.Credentials, target: str, members: object, service: str = "ssm"
    ) -> Answer:
        """A call in JSON 1.1, signed."""
        headers = [("Content-Type", "application/x-amz-json-1.1"), ("X-Amz-Target", target)]
        return self.send_signed(credentials, service, headers, json.dumps(members).encode())

    def call_query(self, credentials: sigv4.Credentials, service: str, form: str) -> Answer:
        """A call in the Query protocol, signed."""
        headers = [("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")]
        return self.send_signed(credentials, service, headers, form.encode())

    def _make_app(self, names: PublicNames, ca: bytes | None) -> Starlette:
        world = self.world
        api = Api(
            names=names,
            origins=OriginReader(),
            authenticator=world.authenticator,
            handlers=handlers_for(use_cases_of(world)),
            polls=self.polls,
            executor=self.executor,
            verify_token=self._verify_token,
            record_refusal=lambda caller, operation, error: record_refusal(
                world.env, caller, operation, None, error
            ),
        )
        return create_app(api, names, ca_certificates=ca)

    async def _verify_token(self, origin: Origin, token: str) -> WebIdentity | WebIdentityRefused:
        self.world.web_identities.admit(origin)
        return self.web_identity

    async def _exchange(self, scope: dict[str, Any], body: bytes, chunk_bytes: int) -> Answer:
        chunks = [body[start : start + chunk_bytes] for start in range(0, len(body), chunk_bytes)] or [b""]
        received = iter(
            {"type": "http.request", "body": chunk, "more_body": number < len(chunks)}
            for number, chunk in enumerate(chunks, 1)
        )
        sent: list[Any] = []

        async def receive() -> Any:
            return next(received)

        async def send(message: Any) -> None:
            sent.append(message)

        await self._app(scope, receive, send)
        headers = {name.decode().lower(): value.decode() for name, value in sent[0]["headers"]}
        return Answer(sent[0]["status"], headers, b"".join(message.get("body", b"") for message in sent[1:]))


def use_cases_of(world: World) -> UseCases:
    """Everything behind the API."""
    return UseCases(
        sessions=world.sessions,
        activations=world.activations,
        nodes=world.nodes,
        fleet=world.fleet,
        instance_identities=world.instance_identities,
        documents=world.documents,
        identities=world.identities,
        resource_tags=world.resource_tags,
        mfa=world.mfa,
        user_locks=world.user_locks,
        security_tokens=world.security_tokens,
        web_identities=world.web_identities,
        managed_policies=world.managed_policies,
        identity_changes=world.identity_changes,
        identity_tags=world.identity_tags,
        groups=world.groups,
        boundaries=world.boundaries,
        attachments=world.attachments,
        callers=world.callers,
        server_drain=world.server_drain,
        service_settings=world.service_settings,
        simulations=world.simulations,
        explanations=world.explanations,
        event_history=world.event_history,
        audit_proofs=world.audit_proofs,
    )
