"""Operations of `sts` that give out temporary credentials."""

from collections.abc import Callable, Mapping
from typing import Any

from fairlead.api.exchange import Exchange
from fairlead.aws.shapes import Operation
from fairlead.control.security_tokens import SecurityTokens
from fairlead.control.web_identities import WebIdentities
from fairlead.domain.operations import security_tokens as operations


# Any: the output dataclass of each operation.
def handlers(
    use_cases: SecurityTokens, web_identities: WebIdentities
) -> Mapping[Operation, Callable[[Exchange], Any]]:
    """The rows of the table from operations to use cases."""
    return {
        operations.ASSUME_ROLE: lambda exchange: use_cases.assume_role(exchange.known_caller, exchange.input),
        operations.GET_SESSION_TOKEN: lambda exchange: use_cases.get_session_token(
            exchange.known_caller, exchange.input
        ),
        operations.ASSUME_ROLE_WITH_WEB_IDENTITY: lambda exchange: (
            web_identities.assume_role_with_web_identity(
                exchange.origin, exchange.input, exchange.web_identity
            )
        ),
    }
