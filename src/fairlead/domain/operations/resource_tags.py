"""Inputs and outputs of the `ssm` operations on tags of resources.

Members and constraints are those of the Systems Manager API, version 2014-11-06.
"""

from dataclasses import dataclass

from fairlead.aws.shapes import ListOf, Operation, String, Structure, member
from fairlead.domain.operations.activations import Tag

_RESOURCE_TYPE_FOR_TAGGING = String(
    enum=(
        "Document",
        "ManagedInstance",
        "MaintenanceWindow",
        "Parameter",
        "PatchBaseline",
        "OpsItem",
        "OpsMetadata",
        "Automation",
        "Association",
        "CloudConnector",
    )
)
_TAG_KEY = String(min=1, max=128, pattern=r"^([\p{L}\p{Z}\p{N}_.:/=+\-@]*)$")


@dataclass(frozen=True, slots=True, kw_only=True)
class AddTagsToResourceRequest:
    """Tags to add to which resource, or to overwrite."""

    resource_type: str = member("ResourceType", _RESOURCE_TYPE_FOR_TAGGING, required=True)
    resource_id: str = member("ResourceId", String(), required=True)
    tags: tuple[Tag, ...] = member("Tags", ListOf(Structure(Tag), max=1000), required=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class AddTagsToResourceResponse:
    """Nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ListTagsForResourceRequest:
    """Whose tags."""

    resource_type: str = member("ResourceType", _RESOURCE_TYPE_FOR_TAGGING, required=True)
    resource_id: str = member("ResourceId", String(), required=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class ListTagsForResourceResponse:
    """All tags, by key."""

    tag_list: tuple[Tag, ...] | None = member("TagList", ListOf(Structure(Tag), max=1000))


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoveTagsFromResourceRequest:
    """Keys of the tags to take from which resource."""

    resource_type: str = member("ResourceType", _RESOURCE_TYPE_FOR_TAGGING, required=True)
    resource_id: str = member("ResourceId", String(), required=True)
    tag_keys: tuple[str, ...] = member("TagKeys", ListOf(_TAG_KEY), required=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoveTagsFromResourceResponse:
    """Nothing."""


ADD_TAGS_TO_RESOURCE = Operation(
    "ssm", "AddTagsToResource", AddTagsToResourceRequest, AddTagsToResourceResponse
)
LIST_TAGS_FOR_RESOURCE = Operation(
    "ssm", "ListTagsForResource", ListTagsForResourceRequest, ListTagsForResourceResponse
)
REMOVE_TAGS_FROM_RESOURCE = Operation(
    "ssm", "RemoveTagsFromResource", RemoveTagsFromResourceRequest, RemoveTagsFromResourceResponse
)
