"""What callers are told when something fails: the only place that knows error codes and HTTP statuses.

Every error class of `aws`, `policy`, `domain` and of this package stands in one table, with its code in each
of the two protocols. What is not in it is an internal error: logged under the request id and answered without
a word about its cause.
"""

import logging
from dataclasses import dataclass

from fairlead.api.exchange import WireProtocol
from fairlead.aws import errors as aws
from fairlead.aws import json_protocol, query_protocol
from fairlead.aws.shapes import Operation
from fairlead.domain import errors as domain
from fairlead.domain.operations.activations import DESCRIBE_ACTIVATIONS
from fairlead.domain.operations.cloudtrail import LOOKUP_EVENTS
from fairlead.domain.operations.node_properties import DESCRIBE_INSTANCE_PROPERTIES
from fairlead.domain.operations.nodes import DESCRIBE_INSTANCE_INFORMATION
from fairlead.policy import errors as policy

_log = logging.getLogger(__name__)


class ApiError(Exception):
    """Base of the errors of this package: a request that never became a call."""


class UnknownOperation(ApiError):
    """Neither this service nor this operation is served."""


class RequestTooLarge(ApiError):
    """Header or body is longer than its limit."""


class ClientLeft(ApiError):
    """The connection ended before the request was complete; nobody reads the answer."""


@dataclass(frozen=True, slots=True)
class _Codes:
    """Code and HTTP status in JSON, then in Query."""

    json_code: str
    json_status: int
    query_code: str
    query_status: int


def _same(code: str, status: int = 400) -> _Codes:
    return _Codes(code, status, code, status)


def _signature(json_code: str, query_code: str, query_status: int = 403) -> _Codes:
    return _Codes(json_code, 400, query_code, query_status)


_INVALID_SIGNATURE = _signature("InvalidSignatureException", "SignatureDoesNotMatch")
_INVALID_TOKEN = _signature("UnrecognizedClientException", "InvalidClientTokenId")
_VALIDATION = _signature("ValidationException", "ValidationError", 400)
_INTERNAL = _Codes("InternalServerError", 500, "ServiceFailure", 500)
_INTERNAL_TEXT = "An internal error occurred; the server's log says more under this request id."

_TABLE: dict[type[Exception], _Codes] = {
    UnknownOperation: _signature("UnknownOperationException", "InvalidAction", 400),
    RequestTooLarge: _same("RequestEntityTooLarge", 413),
    ClientLeft: _same("RequestTimeout", 408),
    aws.MissingAuthentication: _signature(
        "MissingAuthenticationTokenException", "MissingAuthenticationToken"
    ),
    aws.IncompleteSignature: _signature("IncompleteSignatureException", "IncompleteSignature", 400),
    aws.SignatureError: _INVALID_SIGNATURE,
    aws.SignatureMismatch: _INVALID_SIGNATURE,
    aws.HeaderNotSigned: _INVALID_SIGNATURE,
    aws.ScopeMismatch: _INVALID_SIGNATURE,
    aws.SignatureExpired: _INVALID_SIGNATURE,
    aws.SignatureNotYetCurrent: _INVALID_SIGNATURE,
    aws.RequestError: _VALIDATION,
    aws.SerializationFailed: _signature("SerializationException", "MalformedInput", 400),
    aws.ValidationFailed: _VALIDATION,
    aws.MalformedArn: _VALIDATION,
    aws.MalformedSignedData: _VALIDATION,
    policy.MalformedPolicy: _same("MalformedPolicyDocument"),
    policy.PolicyError: _same("MalformedPolicyDocument"),
    domain.AccessDenied: _signature("AccessDeniedException", "AccessDenied"),
    domain.AuthenticationFailed: _INVALID_TOKEN,
    domain.UnknownAccessKey: _INVALID_TOKEN,
    domain.CredentialsExpired: _signature("ExpiredTokenException", "ExpiredToken"),
    domain.HostRefused: _same("MisdirectedRequest", 421),
    domain.Throttled: _signature("ThrottlingException", "Throttling", 400),
    domain.InvalidRequest: _VALIDATION,
    # Neither a 5xx nor a throttling code: AWS clients would repeat the call for seconds, and in vain.
    domain.ServerDraining: _same("ServerDraining"),
    domain.TargetNotConnected: _same("TargetNotConnected"),
    domain.TargetUnsupported: _same("BadRequest"),
    domain.TierRequired: _same("BadRequest"),
    domain.ServiceSettingNotFound: _same("ServiceSettingNotFound"),
    domain.DocumentNotFound: _same("InvalidDocument"),
    domain.InvalidDocumentVersion: _same("InvalidDocumentVersion"),
    domain.InvalidDocumentContent: _same("InvalidDocumentContent"),
    domain.InvalidDocumentSchemaVersion: _same("InvalidDocumentSchemaVersion"),
    domain.InvalidDocumentOperation: _same("InvalidDocumentOperation"),
    domain.MaxDocumentSizeExceeded: _same("MaxDocumentSizeExceeded"),
    domain.DocumentAlreadyExists: _same("DocumentAlreadyExists"),
    domain.DocumentLimitExceeded: _same("DocumentLimitExceeded"),
    domain.DocumentVersionLimitExceeded: _same("DocumentVersionLimitExceeded"),
    domain.DuplicateDocumentContent: _same("DuplicateDocumentContent"),
    domain.DuplicateDocumentVersionName: _same("DuplicateDocumentVersionName"),
    domain.InvalidParameters: _same("InvalidParameters"),
    domain.SessionNotFound: _same("DoesNotExistException"),
    domain.SessionEnded: _same("DoesNotExistException"),
    domain.InvalidChannelToken: _signature("AccessDeniedException", "AccessDenied"),
    domain.UnknownResumeSecret: _signature("AccessDeniedException", "AccessDenied"),
    domain.InvalidFilterKey: _same("InvalidFilterKey"),
    domain.InvalidFilterValue: _VALIDATION,
    domain.InvalidNextToken: _signature("InvalidNextToken", "InvalidInput", 400),
    domain.InvalidActivation: _same("InvalidActivation"),
    domain.InvalidActivationId: _same("InvalidActivationId"),
    domain.ActivationExpired: _same("ActivationExpired"),
    domain.RegistrationLimitReached: _same("RegistrationLimitExceeded"),
    domain.InstanceIdentityRefused: _same("InvalidInstanceIdentity"),
    domain.InstanceAlreadyRegistered: _same("InstanceAlreadyRegistered"),
    domain.InvalidInstanceId: _same("InvalidInstanceId"),
    domain.InvalidResourceType: _same("InvalidResourceType"),
    domain.InvalidResourceId: _same("InvalidResourceId"),
    domain.TooManyTags: _same("TooManyTagsError"),
    domain.MachineFingerprintMismatch: _same("MachineFingerprintDoesNotMatch"),
    domain.NoSuchEntity: _same("NoSuchEntity", 404),
    domain.InvalidInput: _signature("ValidationException", "InvalidInput", 400),
    domain.IdentityCallRefused: _same("InvalidIdentityChange"),
    domain.PolicyNotEvaluated: _same("PolicyEvaluation", 500),
    domain.EntityAlreadyExists: _same("EntityAlreadyExists", 409),
    domain.DeleteConflict: _same("DeleteConflict", 409),
    domain.InvalidAuthenticationCode: _same("InvalidAuthenticationCode", 403),
    domain.PackedPolicyTooLarge: _same("PackedPolicyTooLarge"),
    domain.LimitExceeded: _same("LimitExceeded", 409),
    domain.PolicyRefused: _same("MalformedPolicyDocument"),
    domain.WebIdentityRefused: _same("InvalidIdentityToken"),
    domain.InvalidIdentityToken: _same("InvalidIdentityToken"),
    domain.IdentityTokenExpired: _same("ExpiredTokenException"),
    domain.IdentityProviderUnreachable: _same("IDPCommunicationError"),
    # As for ServerDraining.
    domain.StorageFull: _same("StorageFull"),
    domain.InvalidLookupAttribute: _same("InvalidLookupAttributesException"),
    domain.InvalidTimeRange: _same("InvalidTimeRangeException"),
    domain.InvalidMaxResults: _same("InvalidMaxResultsException"),
}

_CODES_OF_OPERATION: dict[tuple[Operation, type[Exception]], _Codes] = {
    (DESCRIBE_ACTIVATIONS, domain.InvalidFilterKey): _same("InvalidFilter"),
    (DESCRIBE_ACTIVATIONS, domain.InvalidFilterValue): _same("InvalidFilter"),
    (DESCRIBE_INSTANCE_INFORMATION, domain.InvalidFilterValue): _same(
        "InvalidInstanceInformationFilterValue"
    ),
    (DESCRIBE_INSTANCE_PROPERTIES, domain.InvalidFilterValue): _same("InvalidInstancePropertyFilterValue"),
    (LOOKUP_EVENTS, domain.InvalidNextToken): _same("InvalidNextTokenException"),
}
"""Where the published model gives an operation a code of its own."""


@dataclass(frozen=True, slots=True)
class WireError:
    """An error as the caller sees it."""

    protocol: WireProtocol
    service: str
    code: str
    status: int
    message: str

    def encode(self, request_id: str) -> bytes:
        """The body of the response."""
        if self.protocol is WireProtocol.JSON:
            return json_protocol.encode_error(self.code, self.message)
        if self.protocol is WireProtocol.QUERY:
            return query_protocol.encode_error(
                self.service, self.code, self.message, request_id, is_senders_fault=self.status < 500
            )
        return f"<{self.code}/>\n".encode()


def is_known(error_class: type[Exception]) -> bool:
    """True if a class has its own place in the table."""
    return error_class in _TABLE


def translate(
    error: Exception, protocol: WireProtocol, service: str, operation: Operation | None, request_id: str
) -> WireError:
    """An error for the wire. One that is not in the table is logged, with everything about it."""
    codes = _codes_of(error, operation)
    if codes is None:
        _log.error("request %s failed", request_id, exc_info=error)
        codes, message = _INTERNAL, _INTERNAL_TEXT
    else:
        message = str(error)
    is_query = protocol is WireProtocol.QUERY
    return WireError(
        protocol=protocol,
        service=service,
        code=codes.query_code if is_query else codes.json_code,
        status=codes.query_status if is_query else codes.json_status,
        message=message,
    )


def audit_code(error: Exception, operation: Operation | None) -> str:
    """The code of a refusal in the audit trail: what the caller was told, but for denials.

    CloudTrail's word for those is `AccessDenied`, whatever the protocol.
    """
    codes = _codes_of(error, operation)
    if codes is None:
        return _INTERNAL.json_code
    is_query = operation is not None and operation.service in query_protocol.NAMESPACES
    code = codes.query_code if is_query else codes.json_code
    return "AccessDenied" if code == "AccessDeniedException" else code


def _codes_of(error: Exception, operation: Operation | None) -> _Codes | None:
    for error_class in type(error).__mro__:
        codes = _TABLE.get(error_class)
        if operation is not None:
            codes = _CODES_OF_OPERATION.get((operation, error_class), codes)
        if codes is not None:
            return codes
    return None
