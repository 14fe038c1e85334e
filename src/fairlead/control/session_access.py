"""May this caller start this session? Asked when it starts, and again when its client comes back.

The target and the document must both be allowed (Systems Manager User Guide, "Enforce a session document
permission check"). A setting brings back the older rule for sessions that name no document: then the target
alone is enough, unless the statement that allows it asks for `ssm:SessionDocumentAccessCheck`.
"""

from datetime import datetime

from fairlead.control.authorization import (
    START_SESSION_KEYS,
    authorize,
    node_arn,
    start_session_resources,
)
from fairlead.control.document_lookup import FoundDocument
from fairlead.control.resource_tags import node_tag_keys
from fairlead.domain.callers import Caller
from fairlead.domain.errors import AccessDenied
from fairlead.domain.nodes import Node
from fairlead.domain.operations.sessions import START_SESSION
from fairlead.domain.unit_of_work import UnitOfWork
from fairlead.policy.context import ContextValue
from fairlead.policy.decision import Decision

_TARGET_ONLY_KEYS: dict[str, ContextValue] = {"ssm:SessionDocumentAccessCheck": "false"}


def authorize_start(
    uow: UnitOfWork,
    caller: Caller,
    now: datetime,
    target: str,
    node: Node | None,
    found: FoundDocument,
    *,
    is_document_left_out: bool = False,
) -> Decision:
    """The decision that allows the session. `node` is that of `target`, if there is one.

    `is_document_left_out`: no document was named, and the target alone may be enough. Raises AccessDenied
    with the refusing decision.
    """
    action, tags = START_SESSION.action, node_tag_keys(caller, node)
    if is_document_left_out:
        try:
            return authorize(uow, caller, action, (node_arn(caller, target),), now, _TARGET_ONLY_KEYS, tags)
        except AccessDenied:
            pass  # a statement that asks for the document, too, may still allow both
    resources = start_session_resources(caller, target, found.reference.arn)
    return authorize(uow, caller, action, resources, now, START_SESSION_KEYS, {**tags, **found.tags})
