"""Document operations of `ssm`."""

from collections.abc import Callable, Mapping
from typing import Any

from fairlead.api.exchange import Exchange
from fairlead.aws.shapes import Operation
from fairlead.control.documents import Documents
from fairlead.domain.operations import documents as operations


# Any: the output dataclass of each operation.
def handlers(use_cases: Documents) -> Mapping[Operation, Callable[[Exchange], Any]]:
    """The rows of the table from operations to use cases."""
    return {
        operations.CREATE_DOCUMENT: lambda exchange: use_cases.create_document(
            exchange.known_caller, exchange.input
        ),
        operations.UPDATE_DOCUMENT: lambda exchange: use_cases.update_document(
            exchange.known_caller, exchange.input
        ),
        operations.DESCRIBE_DOCUMENT: lambda exchange: use_cases.describe_document(
            exchange.known_caller, exchange.input
        ),
        operations.GET_DOCUMENT: lambda exchange: use_cases.get_document(
            exchange.known_caller, exchange.input
        ),
        operations.LIST_DOCUMENTS: lambda exchange: use_cases.list_documents(
            exchange.known_caller, exchange.input
        ),
        operations.DELETE_DOCUMENT: lambda exchange: use_cases.delete_document(
            exchange.known_caller, exchange.input
        ),
        operations.LIST_DOCUMENT_VERSIONS: lambda exchange: use_cases.list_document_versions(
            exchange.known_caller, exchange.input
        ),
        operations.UPDATE_DOCUMENT_DEFAULT_VERSION: lambda exchange: (
            use_cases.update_document_default_version(exchange.known_caller, exchange.input)
        ),
    }
