"""Tags of nodes, and what policies see of tags: `ssm:resourceTag/…` and `aws:ResourceTag/…`.

Tags belong to the one resource that is asked about: a node's are not those of the document in the same call.
Source: Service Authorization Reference, "Condition keys for AWS Systems Manager".
"""

from collections.abc import Iterable, Mapping, Sequence

from fairlead.control.authorization import ResourceContext, node_arn, session_arn
from fairlead.control.calls import Call, perform
from fairlead.control.environment import Environment
from fairlead.control.identity_tags import tag_keys
from fairlead.domain.callers import Caller
from fairlead.domain.errors import InvalidRequest, InvalidResourceId, InvalidResourceType, TooManyTags
from fairlead.domain.nodes import MAX_TAGS_PER_NODE, Node
from fairlead.domain.operations import resource_tags as operations
from fairlead.domain.operations.activations import Tag
from fairlead.domain.sessions import Session
from fairlead.policy.context import ContextValue

_NODE = "ManagedInstance"
_RESERVED_PREFIX = "aws:"


def node_tag_keys(caller: Caller, node: Node | None) -> ResourceContext:
    """The tags of a node as context keys of its ARN; of one that does not exist there are none."""
    return {} if node is None else {node_arn(caller, node.id): tag_context(node.tags)}


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
    """The use cases of tags of nodes; they hold from the next call on."""

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
            node = _tagged(call, request.resource_type, request.resource_id, keys)
            tags = {**dict(node.tags), **tags_by_key(request.tags)}
            if len(tags) > MAX_TAGS_PER_NODE:
                raise TooManyTags(f"A resource can have at most {MAX_TAGS_PER_NODE} tags.")
            call.uow.nodes.set_tags(node.id, tags)
            return operations.AddTagsToResourceResponse()

        return perform(self._env, caller, operations.ADD_TAGS_TO_RESOURCE, request, work)

    def list_tags_for_resource(
        self, caller: Caller, request: operations.ListTagsForResourceRequest
    ) -> operations.ListTagsForResourceResponse:
        """All tags, by key. Raises AccessDenied, InvalidResourceType or InvalidResourceId."""

        def work(call: Call) -> operations.ListTagsForResourceResponse:
            node = _tagged(call, request.resource_type, request.resource_id, {})
            return operations.ListTagsForResourceResponse(
                tag_list=tuple(Tag(key=key, value=value) for key, value in node.tags)
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
            node = _tagged(call, request.resource_type, request.resource_id, keys)
            kept = {key: value for key, value in node.tags if key not in request.tag_keys}
            call.uow.nodes.set_tags(node.id, kept)
            return operations.RemoveTagsFromResourceResponse()

        return perform(self._env, caller, operations.REMOVE_TAGS_FROM_RESOURCE, request, work)


def _tagged(call: Call, resource_type: str, resource_id: str, context: Mapping[str, ContextValue]) -> Node:
    """The node, if the caller may do this to it. Only nodes have tags of their own so far."""
    if resource_type != _NODE:
        raise InvalidResourceType(f"Resources of type {resource_type} have no tags here; {_NODE} has.")
    caller = call.caller
    node = call.uow.nodes.get(caller.scope, resource_id)
    call.authorize(
        (node_arn(caller, resource_id),), context=context, resource_context=node_tag_keys(caller, node)
    )
    if node is None:
        raise InvalidResourceId(f"Not existing InstanceId {resource_id}")
    return node
