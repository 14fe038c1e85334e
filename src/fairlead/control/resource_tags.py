"""Tags of nodes and documents, and what policies see of tags: `ssm:resourceTag/…` and `aws:ResourceTag/…`.

Tags belong to the one resource that is asked about: a node's are not those of the document in the same call.
Source: Service Authorization Reference, "Condition keys for AWS Systems Manager".
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from fairlead.control.audit import is_read_only
from fairlead.control.authorization import ResourceContext, node_arn, session_arn
from fairlead.control.calls import Call, perform
from fairlead.control.environment import Environment
from fairlead.control.identity_tags import tag_keys
from fairlead.control.references import document_reference
from fairlead.domain.callers import Caller
from fairlead.domain.errors import InvalidRequest, InvalidResourceId, InvalidResourceType, TooManyTags
from fairlead.domain.nodes import MAX_TAGS_PER_NODE, Node
from fairlead.domain.operations import resource_tags as operations
from fairlead.domain.operations.activations import Tag
from fairlead.domain.sessions import Session
from fairlead.domain.stored_documents import MAX_TAGS_PER_DOCUMENT, StoredDocument
from fairlead.policy.context import ContextValue

_NODE = "ManagedInstance"
_DOCUMENT = "Document"
_RESERVED_PREFIX = "aws:"


def node_tag_keys(caller: Caller, node: Node | None) -> ResourceContext:
    """The tags of a node as context keys of its ARN; of one that does not exist there are none."""
    return {} if node is None else {node_arn(caller, node.id): tag_context(node.tags)}


def document_tag_keys(arn: str, stored: StoredDocument | None) -> ResourceContext:
    """The tags of a document as context keys of its ARN; of one that does not exist there are none."""
    return {} if stored is None else {arn: tag_context(stored.tags)}


def session_tag_keys(caller: Caller, session_id: str, session: Session | None) -> ResourceContext:
    """The two tags that every session has (Systems Manager User Guide, "Additional sample IAM policies")."""
    if session is None:
        return {}
    tags = (("aws:ssmmessages:session-id", session.owner_id), ("aws:ssmmessages:target-id", session.target))
    return {session_arn(caller, session_id): tag_context(tags)}


def tag_context(tags: Iterable[tuple[str, str]]) -> Mapping[str, ContextValue]:
    """The context keys that the tags of a resource are."""
    return {f"{prefix}Tag/{key}": value for key, value in tags for prefix in ("ssm:resource", "aws:Resource")}


def tags_by_key(tags: Sequence[Tag]) -> dict[str, str]:
    """Tags of a request. Raises InvalidRequest for a key that comes twice or is reserved."""
    found = {tag.key: tag.value for tag in tags}
    if len(found) != len(tags):
        raise InvalidRequest("A tag key must not be given twice.")
    if any(key.lower().startswith(_RESERVED_PREFIX) for key in found):
        raise InvalidRequest(f'Tag keys that begin with "{_RESERVED_PREFIX}" are reserved.')
    return found


class ResourceTags:
    """The use cases of tags of nodes and documents; they hold from the next call on."""

    def __init__(self, env: Environment) -> None:
        self._env = env

    def add_tags_to_resource(
        self, caller: Caller, request: operations.AddTagsToResourceRequest
    ) -> operations.AddTagsToResourceResponse:
        """Add or overwrite tags.

        Raises AccessDenied, InvalidResourceType, InvalidResourceId, TooManyTags or InvalidRequest.
        """

        def work(call: Call) -> operations.AddTagsToResourceResponse:
            keys = tag_keys({tag.key: tag.value for tag in request.tags})
            tagged = _tagged(call, request.resource_type, request.resource_id, keys)
            tags = {**dict(tagged.tags), **tags_by_key(request.tags)}
            if len(tags) > tagged.max_tags:
                raise TooManyTags(f"A resource can have at most {tagged.max_tags} tags.")
            tagged.set_tags(tags)
            return operations.AddTagsToResourceResponse()

        return perform(self._env, caller, operations.ADD_TAGS_TO_RESOURCE, request, work)

    def list_tags_for_resource(
        self, caller: Caller, request: operations.ListTagsForResourceRequest
    ) -> operations.ListTagsForResourceResponse:
        """All tags, by key. Raises AccessDenied, InvalidResourceType or InvalidResourceId."""

        def work(call: Call) -> operations.ListTagsForResourceResponse:
            tagged = _tagged(call, request.resource_type, request.resource_id, {})
            return operations.ListTagsForResourceResponse(
                tag_list=tuple(Tag(key=key, value=value) for key, value in tagged.tags)
            )

        return perform(self._env, caller, operations.LIST_TAGS_FOR_RESOURCE, request, work)

    def remove_tags_from_resource(
        self, caller: Caller, request: operations.RemoveTagsFromResourceRequest
    ) -> operations.RemoveTagsFromResourceResponse:
        """Take tags away; one that is not there is gone already.

        Raises AccessDenied, InvalidResourceType or InvalidResourceId.
        """

        def work(call: Call) -> operations.RemoveTagsFromResourceResponse:
            keys = {"aws:TagKeys": request.tag_keys}
            tagged = _tagged(call, request.resource_type, request.resource_id, keys)
            tagged.set_tags({key: value for key, value in tagged.tags if key not in request.tag_keys})
            return operations.RemoveTagsFromResourceResponse()

        return perform(self._env, caller, operations.REMOVE_TAGS_FROM_RESOURCE, request, work)


@dataclass(frozen=True, slots=True)
class _Tagged:
    """A resource with its tags, which the caller may read or change as he asked to."""

    tags: tuple[tuple[str, str], ...]
    max_tags: int
    set_tags: Callable[[Mapping[str, str]], None]


def _tagged(call: Call, resource_type: str, resource_id: str, context: Mapping[str, ContextValue]) -> _Tagged:
    """The resource. Raises AccessDenied, InvalidResourceType or InvalidResourceId."""
    if resource_type == _NODE:
        return _tagged_node(call, resource_id, context)
    if resource_type == _DOCUMENT:
        return _tagged_document(call, resource_id, context)
    raise InvalidResourceType(
        f"Resources of type {resource_type} have no tags here; {_NODE} and {_DOCUMENT} have."
    )


def _tagged_node(call: Call, node_id: str, context: Mapping[str, ContextValue]) -> _Tagged:
    caller = call.caller
    node = call.uow.nodes.get(caller.scope, node_id, to_change=not is_read_only(call.operation))
    call.authorize(
        (node_arn(caller, node_id),), context=context, resource_context=node_tag_keys(caller, node)
    )
    if node is None:
        raise InvalidResourceId(f"Not existing InstanceId {node_id}")
    return _Tagged(node.tags, MAX_TAGS_PER_NODE, partial(call.uow.nodes.set_tags, node.id))


def _tagged_document(call: Call, name: str, context: Mapping[str, ContextValue]) -> _Tagged:
    """A document of the account; those of AWS cannot be tagged."""
    caller, documents = call.caller, call.uow.documents
    reference = document_reference(caller, name)
    to_change = not is_read_only(call.operation)
    stored = (
        documents.get(caller.scope, reference.name, to_change=to_change) if reference.is_own_arn else None
    )
    call.authorize(
        (reference.arn,), context=context, resource_context=document_tag_keys(reference.arn, stored)
    )
    if reference.of_aws is not None:
        raise InvalidResourceId(f"Document {reference.name} is owned by Amazon and has no tags.")
    if stored is None:
        raise InvalidResourceId(f"Document with name {reference.name} does not exist.")
    return _Tagged(stored.tags, MAX_TAGS_PER_DOCUMENT, partial(documents.set_tags, stored))
