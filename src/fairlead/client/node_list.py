"""`fairlead nodes`: what the server knows of its nodes, their removal, and tags that go over to a new one."""

from __future__ import annotations

import json

from fairlead.client.answers import entries, table, unreadable
from fairlead.client.shown_values import duration, moment
from fairlead.transport.errors import printable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from typing import Any

    from fairlead.client.api_calls import SignedApi

PAGE = 50
MAX_TEXT = 200

_COLUMNS = ("NODE", "STATUS", "NAME", "COMPUTER", "PLATFORM", "AGENT", "LAST SIGN", "TAGS")


class Nodes:
    """The nodes of a server. `api` is our own operations, `ssm` those of AWS, `clock` in epoch seconds.

    Methods raise `ServiceError`, `CredentialsError` or a `TransportError`.
    """

    def __init__(
        self, api: SignedApi, ssm: SignedApi, say: Callable[[str], None], clock: Callable[[], float]
    ) -> None:
        self._api = api
        self._ssm = ssm
        self._say = say
        self._clock = clock

    def show_all(self, *, twins: bool = False, as_json: bool = False) -> None:
        """Say all nodes, or those that two agents were seen alive as, one line each."""
        self._tell(list(self._described({"HasTwins": True} if twins else {})), as_json, self._table)

    def show(self, node_ids: Sequence[str], *, as_json: bool = False) -> None:
        """Say all that is known of these nodes."""
        found: list[dict[str, Any]] = []
        for start in range(0, len(node_ids), PAGE):
            found += self._described({"InstanceIds": list(node_ids[start : start + PAGE])})
        self._tell(found, as_json, self._records)

    def deregister(self, node_ids: Sequence[str]) -> None:
        """Remove nodes, one after the other: their sessions end, their keys are worth nothing."""
        for node_id in node_ids:
            if node_id.startswith("i-"):
                self._api.call("DeregisterInstance", {"InstanceId": node_id})
            else:
                self._ssm.call("DeregisterManagedInstance", {"InstanceId": node_id})
            self._say(f"{printable(node_id, MAX_TEXT)} is removed.")

    def copy_tags(self, from_id: str, to_id: str) -> None:
        """Give a node the tags of another, over its own: of the same machine before it registered anew."""
        listed = self._ssm.call("ListTagsForResource", _resource(from_id)).get("TagList")
        if not isinstance(listed, list):
            raise unreadable()
        # Tags with this prefix are the server's own; nobody can give them.
        tags = [tag for tag in listed if not str(tag.get("Key", "")).startswith("aws:")]
        if tags:
            self._ssm.call("AddTagsToResource", {**_resource(to_id), "Tags": tags})
        names = ", ".join(_tag(tag) for tag in tags) or "nothing"
        self._say(f"{printable(to_id, MAX_TEXT)} got {names} of {printable(from_id, MAX_TEXT)}.")

    def _tell(
        self, found: list[dict[str, Any]], as_json: bool, lines: Callable[[list[dict[str, Any]]], list[str]]
    ) -> None:
        for line in [json.dumps({"Nodes": found}, indent=2)] if as_json else lines(found):
            self._say(line)

    def _described(self, members: dict[str, object]) -> Iterator[dict[str, Any]]:
        return entries(self._api, "DescribeNodes", {**members, "MaxResults": PAGE}, "Nodes")

    def _table(self, found: list[dict[str, Any]]) -> list[str]:
        if not found:
            return ["No nodes."]
        return table(_COLUMNS, [self._row(node) for node in found])

    def _row(self, node: dict[str, Any]) -> tuple[str, ...]:
        status = _text(node, "ConnectionStatus") + ("  TWINS" if node.get("Twins") else "")
        agent = f"{_text(node, 'AgentName')} {_text(node, 'AgentVersion')}".strip()
        tags = " ".join(map(_tag, node.get("Tags") or []))
        shown = (_text(node, name) for name in ("Name", "ComputerName", "PlatformType"))
        return _text(node, "InstanceId"), status, *shown, agent, self._ago(node.get("LastPingDateTime")), tags

    def _ago(self, at: object) -> str:
        return f"{duration(self._clock() - at)} ago" if isinstance(at, int | float) else "never"

    def _records(self, found: list[dict[str, Any]]) -> list[str]:
        lines: list[str] = []
        for node in found:
            lines += [*([""] if lines else []), *self._record(node)]
        return lines

    def _record(self, node: dict[str, Any]) -> list[str]:
        """One line for each fact, those that are not known left out."""
        platform = " ".join(
            filter(None, (_text(node, f"Platform{part}") for part in ("Type", "Name", "Version")))
        )
        last, others = node.get("LastPingDateTime"), node.get("SameMachine") or []
        facts = (
            ("node", _text(node, "InstanceId")),
            ("name", _text(node, "Name")),
            ("connection", _text(node, "ConnectionStatus")),
            ("ping", _text(node, "PingStatus")),
            ("last sign", "never" if last is None else f"{moment(last)} ({self._ago(last)})"),
            ("computer", _text(node, "ComputerName")),
            ("address", _text(node, "IPAddress")),
            ("platform", platform),
            ("agent", f"{_text(node, 'AgentName')} {_text(node, 'AgentVersion')}".strip()),
            ("role", _text(node, "IamRole")),
            ("activation", _text(node, "ActivationId")),
            ("registered", moment(node.get("RegistrationDate"))),
            ("fingerprint", _text(node, "Fingerprint")),
            ("tags", " ".join(map(_tag, node.get("Tags") or []))),
            ("same machine", " ".join(printable(str(other), MAX_TEXT) for other in others)),
        )
        lines = [f"{name:13} {value}" for name, value in facts if value]
        return lines + (_twin_lines(node["Twins"]) if isinstance(node.get("Twins"), dict) else [])


def _twin_lines(twins: dict[str, Any]) -> list[str]:
    served, displaced = (_channel(twins.get(name)) for name in ("Served", "Displaced"))
    first, last = moment(twins.get("FirstSeen")), moment(twins.get("LastSeen"))
    return [
        f"{'TWINS':13} two agents were alive under this id, seen {twins.get('Count', '?')} times "
        f"from {first} to {last}",
        f"{'':13} served     {served}",
        f"{'':13} displaced  {displaced}",
        f"{'':13} a cloned image or a stolen key: deregister the node, and register each machine by itself",
    ]


def _channel(value: object) -> str:
    channel = value if isinstance(value, dict) else {}
    return f"{_text(channel, 'SourceAddress') or '?'} since {moment(channel.get('ConnectedSince'))}"


def _text(members: dict[str, Any], name: str) -> str:
    return printable(str(members.get(name) or ""), MAX_TEXT)


def _tag(tag: object) -> str:
    members = tag if isinstance(tag, dict) else {}
    return printable(f"{members.get('Key', '?')}={members.get('Value', '')}", MAX_TEXT)


def _resource(node_id: str) -> dict[str, object]:
    return {"ResourceType": "ManagedInstance", "ResourceId": node_id}
