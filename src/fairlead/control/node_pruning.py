"""Removing nodes that have been away for long: machines that are gone without a word.

Only where an administrator has set after how many days (the setting `REMOVE_SILENT_NODES_DAYS`). It is a
deregistration by the server, in the audit trail as such. A server that was away itself has heard of nobody
meanwhile, so it waits until everybody has had time to come back.
"""

from dataclasses import replace
from datetime import datetime, timedelta

from fairlead.control.audit import anonymous, moment_text, security_record
from fairlead.control.calls import Call
from fairlead.control.environment import Environment
from fairlead.control.nodes import remove_node
from fairlead.control.notifier import AgentNotifier
from fairlead.control.setting_values import value_of
from fairlead.domain.callers import Caller, Origin
from fairlead.domain.nodes import Node
from fairlead.domain.operations.nodes import DEREGISTER_MANAGED_INSTANCE
from fairlead.domain.scope import Scope
from fairlead.domain.service_settings import REMOVE_SILENT_NODES_DAYS, days

NODES_TOGETHER = 100
"""How many are looked at in one transaction: others wait for it."""

LET_COME_BACK = timedelta(hours=2)
"""For how long a server that has just started removes nobody. AWS's agent pauses for up to 40 minutes between
two tries, and for an hour where it was refused."""

REMOVED_EVENT = "SilentNodeRemoved"
_SERVER = "server"


def remove_silent_nodes(env: Environment, notifier: AgentNotifier, served_for: timedelta) -> int:
    """Remove those whose time is over, in every region; how many there were.

    `served_for`: since when nodes can reach this server.
    """
    if served_for < LET_COME_BACK:
        return 0
    return sum(
        _remove_in(env, notifier, Scope(env.settings.account_id, region)) for region in env.settings.regions
    )


def _remove_in(env: Environment, notifier: AgentNotifier, scope: Scope) -> int:
    with env.store.read() as uow:
        limit = days(value_of(env, uow, scope, REMOVE_SILENT_NODES_DAYS))
    if limit is None:
        return 0
    before = env.now() - limit
    removed, after_id = 0, ""
    while True:
        with env.store.read() as uow:
            page = uow.nodes.silent_since(scope, before, after_id, NODES_TOGETHER)
        away = [
            node.id
            for node in page
            if not (notifier.is_connected(node.id) or notifier.is_reconnecting(node.id))
        ]
        removed += _remove(env, notifier, scope, away, before)
        if len(page) < NODES_TOGETHER:
            return removed
        after_id = page[-1].id


def _remove(
    env: Environment, notifier: AgentNotifier, scope: Scope, node_ids: list[str], before: datetime
) -> int:
    """Remove these, unless one was heard of meanwhile."""
    if not node_ids:
        return 0
    caller = _server(env, scope)
    with env.store.transaction() as uow:
        call = Call(uow, caller, DEREGISTER_MANAGED_INSTANCE, env.now())
        found = [uow.nodes.get(scope, node_id) for node_id in node_ids]
        silent = [node for node in found if node is not None and node.last_sign_at < before]
        for node in silent:
            remove_node(call, notifier, node)
            uow.audit.add(security_record(env, caller, REMOVED_EVENT, _details(node)))
    call.tell_news()
    return len(silent)


def _details(node: Node) -> dict[str, str | int]:
    return {"nodeId": node.id, "name": node.name or "", "lastSignAt": moment_text(node.last_sign_at)}


def _server(env: Environment, scope: Scope) -> Caller:
    """The server itself, as the one who acts in a record."""
    nobody = anonymous(env, Origin(source_address="", user_agent="", request_id=""))
    return replace(nobody, scope=scope, arn=_SERVER, principal_id=_SERVER, name=_SERVER)
