"""What a request asks for: service and operation, told from a request that nobody has verified yet.

One address serves every service. They are told apart by the prefix of `X-Amz-Target`, else by the API version
of a form, else by the service in the credential scope. What is decided here counts only once the signature
turns out to be for the same service.
"""

import re
from collections.abc import Mapping

from fairlead.api.exchange import Identity, WireProtocol
from fairlead.api.message_delivery import GET_MESSAGES
from fairlead.aws import query_protocol, sigv4
from fairlead.aws.canonical import Request
from fairlead.aws.errors import SignatureError, excerpt
from fairlead.aws.shapes import Operation
from fairlead.domain.operations.catalogue import ALL_OPERATIONS

SERVED_OPERATIONS: tuple[Operation, ...] = (*ALL_OPERATIONS, GET_MESSAGES)

_SERVICE_OF_TARGET: Mapping[str, str] = {
    "AmazonSSM": "ssm",
    "EC2WindowsMessageDeliveryService": "ec2messages",
    "AWSEC2InstanceConnectService": "ec2-instance-connect",
    "com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101": "cloudtrail",
    "Fairlead_20261101": "fairlead",
}
"""Known services that name their operation in `X-Amz-Target`, served or not: who calls one that is not learns
so after proving who he is, like any other caller."""

_SERVICE_OF_VERSION: Mapping[str, str] = {"2010-05-08": "iam", "2011-06-15": "sts"}
"""Services that are called with forms, by API version."""

# Two fields are looked for and the form is not decoded: one of 256 KiB would give anybody 40 ms of the event
# loop. Names of operations and versions need no escapes.
_ACTION = re.compile(rb"(?:\A|&)Action=([^&]{0,256})(?=&|\Z)")
_VERSION = re.compile(rb"(?:\A|&)Version=([^&]{0,256})(?=&|\Z)")

_BY_NAME: Mapping[tuple[str, str], Operation] = {
    (operation.service, operation.name): operation for operation in SERVED_OPERATIONS
}


def identify(request: Request) -> Identity:
    """The service and operation that a request names. Never fails: what is wrong shows in later steps."""
    targets = request.header_values("x-amz-target")
    if targets:
        return _identify_target(request, targets[0])
    form = form_of(request)
    action, version = _ACTION.search(form), _VERSION.search(form)
    scope_service = _claimed_service(request)
    service = _SERVICE_OF_VERSION.get(_text(version), scope_service)
    if service in query_protocol.NAMESPACES or action is not None:
        known = service if service in query_protocol.NAMESPACES else "sts"
        operation = (
            _BY_NAME.get((known, _text(action))) if service == known and _is_callable(request) else None
        )
        return Identity(WireProtocol.QUERY, known, _text(action), operation, _text(version))
    if scope_service in _SERVICE_OF_TARGET.values():
        return Identity(WireProtocol.JSON, scope_service, "", None)
    return Identity(WireProtocol.NONE, "", "", None)


def form_of(request: Request) -> bytes:
    """The form of a Query call: the body, or the query where there is no body (presigned URLs)."""
    return request.body or request.query.encode("latin-1")


def _identify_target(request: Request, target: str) -> Identity:
    prefix, _, name = target.rpartition(".")
    service = _SERVICE_OF_TARGET.get(prefix, "")
    is_callable = request.method == "POST" and _is_callable(request)
    operation = _BY_NAME.get((service, name)) if is_callable else None
    return Identity(WireProtocol.JSON, service, name, operation)


def _is_callable(request: Request) -> bool:
    return request.path == "/" and request.method in ("GET", "POST")


def _text(field: re.Match[bytes] | None) -> str:
    return "" if field is None else field[1].decode("latin-1")


def _claimed_service(request: Request) -> str:
    """The service in the credential scope; empty where there is none."""
    try:
        return sigv4.parse(request).scope.service
    except SignatureError:
        return ""


def describe(identity: Identity) -> str:
    """The operation as the sender named it, fit for an error text."""
    return excerpt(identity.operation_name) or "(none)"
