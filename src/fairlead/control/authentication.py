"""Who makes a call, proven by the signature of the request.

Four kinds of credentials: the access key of a user, the temporary ones of a user or of somebody who took on
a role (`temporary_credentials`), the sealed ones of a node (`node_credentials`), and the RSA key of a node,
for the two operations with which it comes to credentials at all. The signature itself is judged by
`aws.sigv4`; here the keys are found. The API's requests and the gateway's come through here alike.

A source whose credentials are refused too often is told to slow down instead of why (`Throttled`). Calls
that do prove who they are pass all the same, so nobody behind the same address is locked out by another's
mistakes.
"""

import re
from collections.abc import Callable
from datetime import datetime

from fairlead.aws import sigv4
from fairlead.aws.errors import SignatureError
from fairlead.control import temporary_credentials
from fairlead.control.calls import count_refusal
from fairlead.control.environment import Environment
from fairlead.control.node_credentials import open_token
from fairlead.control.node_keys import rsa_verifier
from fairlead.control.principals import (
    TEMPORARY_KEY_PREFIX,
    node_caller,
    role_of,
    temporary_caller,
    user_caller,
)
from fairlead.control.throttling import TokenBuckets, source_key
from fairlead.domain.callers import Caller, Origin
from fairlead.domain.errors import (
    AuthenticationFailed,
    CredentialsExpired,
    InvalidInstanceId,
    Throttled,
    UnknownAccessKey,
)

_NODE_ID = re.compile(r"mi-[0-9a-f]{17}|i-(?:[0-9a-f]{8}|[0-9a-f]{17})", re.ASCII)
_SSM = "ssm"


class Authenticator:
    """Turns signed requests into callers."""

    def __init__(self, env: Environment, throttle: TokenBuckets | None = None) -> None:
        """`throttle` counts refused credentials by source; by default one is made from the settings."""
        self._env = env
        if throttle is None:
            throttle = TokenBuckets(env.settings.failed_signature_rate, env.settings.rate_limited_keys)
        self._throttle = throttle

    def authenticate(self, request: sigv4.Request, origin: Origin, service: str) -> Caller:
        """The caller of a request to `service` (as in a credential scope: `ssm`, `iam`, `ssmmessages`).

        Raises the `SignatureError` family of `aws.errors`, UnknownAccessKey, CredentialsExpired or Throttled.
        """
        return self._counted(origin, lambda: self._authenticate(request, origin, service))

    def authenticate_node_key(self, request: sigv4.Request, origin: Origin) -> Caller:
        """The node that signed with its RSA key; only node ids can call this way.

        Raises as `authenticate`, and InvalidInstanceId for a node that is not, or no longer, registered: by
        that its agent knows that it need not try again soon.
        """
        return self._counted(origin, lambda: self._authenticate_node_key(request, origin))

    def is_suspect(self, origin: Origin) -> bool:
        """True while so many credentials of this source were refused that the next refusal is Throttled."""
        return self._throttle.is_empty(source_key(origin.source_address), self._env.now())

    def _counted(self, origin: Origin, authenticate: Callable[[], Caller]) -> Caller:
        try:
            return authenticate()
        except (SignatureError, AuthenticationFailed, InvalidInstanceId) as error:
            count_refusal(self._env, origin, error, None)
            if not self._throttle.take(source_key(origin.source_address), self._env.now()):
                raise Throttled from error
            raise

    def _authenticate(self, request: sigv4.Request, origin: Origin, service: str) -> Caller:
        signed = sigv4.parse(request)
        now = self._env.now()
        if signed.access_key_id.startswith(TEMPORARY_KEY_PREFIX):
            return self._authenticate_temporary(signed, origin, service, now)
        return self._authenticate_user(signed, origin, service, now)

    def _authenticate_user(
        self, signed: sigv4.SignedRequest, origin: Origin, service: str, now: datetime
    ) -> Caller:
        if signed.session_token is not None:
            raise UnknownAccessKey
        with self._env.store.read() as uow:
            found = uow.identities.get_key_and_user(signed.access_key_id)
        if found is None:
            raise UnknownAccessKey
        key, secret, user = found
        if user.voids(None) or not key.is_active:
            raise UnknownAccessKey
        sigv4.check_scope(signed, service=service, regions=self._env.settings.regions)
        sigv4.verify(signed, sigv4.hmac_verifier(secret), now.timestamp())
        return user_caller(user, signed.scope.region, signed.access_key_id, origin)

    def _authenticate_temporary(
        self, signed: sigv4.SignedRequest, origin: Origin, service: str, now: datetime
    ) -> Caller:
        if signed.session_token is None:
            raise UnknownAccessKey
        try:
            issued = temporary_credentials.open_token(
                self._env.sealer, signed.session_token, signed.access_key_id
            )
        except UnknownAccessKey:
            return self._authenticate_node(signed, origin, service, now)
        sigv4.check_scope(signed, service=service, regions=self._env.settings.regions)
        sigv4.verify(signed, sigv4.hmac_verifier(issued.secret_access_key), now.timestamp())
        if now >= issued.expires_at:
            raise CredentialsExpired
        with self._env.store.read() as uow:
            caller = temporary_caller(
                uow, issued.principal_id, signed.scope.region, signed.access_key_id, origin, issued.facts
            )
        if caller is None or caller.scope.account_id != issued.account_id:
            raise UnknownAccessKey
        return caller

    def _authenticate_node(
        self, signed: sigv4.SignedRequest, origin: Origin, service: str, now: datetime
    ) -> Caller:
        if signed.session_token is None:
            raise UnknownAccessKey
        credentials = open_token(self._env.sealer, signed.session_token, signed.access_key_id)
        with self._env.store.read() as uow:
            node = uow.nodes.find(credentials.node_id)
            role = role_of(uow, node) if node is not None else None
        if node is None or role is None or node.registered_at != credentials.registered_at:
            raise UnknownAccessKey
        sigv4.check_scope(signed, service=service, regions=(node.scope.region,))
        sigv4.verify(signed, sigv4.hmac_verifier(credentials.secret_access_key), now.timestamp())
        if now >= credentials.expires_at:
            raise CredentialsExpired
        return node_caller(node, role, credentials.access_key_id, origin)

    def _authenticate_node_key(self, request: sigv4.Request, origin: Origin) -> Caller:
        signed = sigv4.parse(request)
        node_id = signed.access_key_id
        if not _NODE_ID.fullmatch(node_id) or signed.session_token is not None:
            raise UnknownAccessKey
        with self._env.store.read() as uow:
            node = uow.nodes.find(node_id)
            role = role_of(uow, node) if node is not None else None
        if node is None:
            raise InvalidInstanceId(f"Not existing InstanceId {node_id}")
        sigv4.check_scope(signed, service=_SSM, regions=(node.scope.region,))
        sigv4.verify(signed, rsa_verifier(node.public_key), self._env.now().timestamp())
        return node_caller(node, role, node_id, origin)
