"""`fairlead iam export`, `plan` and `apply`: identities as files, and what a change of them means."""

from __future__ import annotations

import base64
import json
import zlib
from typing import TYPE_CHECKING, Any

from fairlead.client.answers import entries, pages
from fairlead.client.errors import ClientError
from fairlead.client.identity_differences import Change, adopted, changes, unmentioned
from fairlead.client.identity_files import read_files, write_files
from fairlead.client.identity_state import read_details
from fairlead.transport.errors import printable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from fairlead.client.admin_api import AdminApi
    from fairlead.client.identity_state import State

CHANGED = 2
"""Exit status of a plan with changes, so that it can guard a pull request; 1 is for failures."""

MAX_CALLS_CHARACTERS = 240 * 1024
"""Longest list of calls, compressed and in base64, that fits into one request."""

SHOWN_RESOURCES = 20
"""How many nodes one line names; --json has them all."""

PAGE = 50

_SAID = {
    ("refused", "allowed"): "gains",
    ("refused", "conditional"): "gains, depending on the request,",
    ("conditional", "allowed"): "gains without a condition",
    ("conditional", "conditional"): "has under another condition",
    ("allowed", "conditional"): "keeps only depending on the request",
    ("allowed", "refused"): "loses",
    ("conditional", "refused"): "loses, where it depended on the request,",
}

_Rows = list[dict[str, Any]]  # Any: the members of an AccessChange


class _Server:
    """What a server has and is."""

    def __init__(self, api: AdminApi) -> None:
        self.account_id = ""
        self.aws_policies: frozenset[str] = frozenset()
        self.state: State = {}
        for answer in pages(api, "ExportIdentities", {"MaxResults": PAGE}):
            self.account_id = str(answer.get("AccountId"))
            arns = answer.get("AwsManagedPolicyArns")
            self.aws_policies = frozenset(arns if isinstance(arns, list) else ())
            self.state |= read_details(answer, "the server's answer")


class IdentityFilesCommand:
    """One run of a command. `say` prints a line; all methods give the exit status.

    They raise `ClientError`, `ServiceError`, `CredentialsError` or a `TransportError`.
    """

    def __init__(self, api: AdminApi, say: Callable[[str], None]) -> None:
        self._api = api
        self._say = say

    def export(self, target: Path) -> int:
        """Write what the server has."""
        written, removed = write_files(_Server(self._api).state, target)
        gone = f", {removed} files of identities that are gone removed" if removed else ""
        self._say(f"{written} files in {target}{gone}")
        return 0

    def plan(self, source: Path, *, prune: bool = False, as_json: bool = False) -> int:
        """Say what would change, and what that would give to whom and take from whom."""
        found, warnings, left_alone = self._changes(source, prune=prune)
        rows = self._access_changes(found) if found else []
        if as_json:
            document = {
                "Changes": [_change_document(change) for change in found],
                "AccessChanges": rows,
                "Warnings": warnings,
                "LeftAlone": left_alone,
            }
            self._say(json.dumps(document, indent=2))
        else:
            self._say_plan(found, rows, warnings, left_alone)
        return CHANGED if found else 0

    def apply(
        self, source: Path, *, prune: bool, confirm: Callable[[], bool], allow_lockout: bool = False
    ) -> int:
        """Show the plan, ask, and make all of its changes or none.

        The server refuses changes after which the caller could not make any more, unless `allow_lockout`.
        """
        found, warnings, left_alone = self._changes(source, prune=prune)
        self._say_plan(found, self._access_changes(found) if found else [], warnings, left_alone)
        if not found:
            return 0
        if not confirm():
            self._say("Nothing has been changed.")
            return 1
        self._api.call("ApplyIdentityChanges", {"Calls": _compressed(found), "AllowLockout": allow_lockout})
        self._say(f"Done: {_counted(len(found), 'change')}.")
        return 0

    def _changes(self, source: Path, *, prune: bool) -> tuple[list[Change], list[str], list[str]]:
        files = read_files(source)
        server = _Server(self._api)
        wanted, warnings = adopted(files, server.account_id, server.aws_policies)
        found = changes(server.state, wanted, server.account_id, prune=prune)
        left_alone = (
            [] if prune else [f"{each.kind}/{each.name}" for each in unmentioned(server.state, wanted)]
        )
        return found, warnings, left_alone

    def _access_changes(self, found: list[Change]) -> _Rows:
        members: dict[str, object] = {"Calls": _compressed(found)}
        return list(entries(self._api, "PlanIdentityChanges", members, "AccessChanges"))

    def _say_plan(self, found: list[Change], rows: _Rows, warnings: list[str], left_alone: list[str]) -> None:
        for warning in warnings:
            self._say(f"Note: {printable(warning, 1000)}")
        if left_alone:
            self._say(
                f"Note: no file names {printable(', '.join(left_alone), 1000)}:"
                " left alone, --prune would delete them"
            )
        if not found:
            self._say("Nothing to change.")
            return
        self._say(f"{_counted(len(found), 'change')}:")
        for change in found:
            self._say(f"  {printable(change.text, 500)}")
        self._say("Access:" if rows else "Nobody gains or loses access to a node or a document.")
        for line in _access_lines(rows):
            self._say(f"  {line}")
        marked = sum(1 for row in rows if _is_gain(row) and row.get("IsEscalation"))
        if marked:
            self._say(f"! {_counted(marked, 'right')} by which somebody can give himself more rights")


def _compressed(found: list[Change]) -> str:
    calls = [{"Operation": change.operation, "Parameters": change.parameters} for change in found]
    text = base64.b64encode(zlib.compress(json.dumps(calls).encode(), 9)).decode()
    if len(text) > MAX_CALLS_CHARACTERS:
        raise ClientError(
            f"{_counted(len(found), 'change')} are more than one request can hold: apply them in parts,"
            " policies first, by moving files out of the directory for a while"
        )
    return text


def _change_document(change: Change) -> dict[str, Any]:
    return {"Operation": change.operation, "Parameters": change.parameters, "Text": change.text}


def _access_lines(rows: _Rows) -> Iterable[str]:
    """The changes by principal; nodes and documents of one kind of change in one line."""
    groups: dict[tuple[str, str, str, bool], list[str]] = {}
    for row in rows:
        said = _SAID.get((str(row.get("Before")), str(row.get("After"))), "has otherwise")
        who, what = str(row.get("PrincipalArn")), str(row.get("Action"))
        groups.setdefault((who, said, what, _is_gain(row) and bool(row.get("IsEscalation"))), []).append(
            _resource_text(row)
        )
    last = ""
    for (who, said, what, is_marked), resources in groups.items():
        if who != last:
            yield printable(who, 200)
            last = who
        names = ", ".join(resources[:SHOWN_RESOURCES])
        more = f" and {len(resources) - SHOWN_RESOURCES} more" if len(resources) > SHOWN_RESOURCES else ""
        yield f"  {'!' if is_marked else ' '} {said} {printable(what, 100)} on {printable(names, 4000)}{more}"


def _is_gain(row: dict[str, Any]) -> bool:
    return row.get("After") != "refused" and row.get("Before") != "allowed"


def _resource_text(row: dict[str, Any]) -> str:
    """A node by its id and name, a document by its name, anything else as it is."""
    resource, name = str(row.get("Resource")), row.get("ResourceName")
    kind, _, rest = resource.rpartition(":")[2].partition("/")
    if row.get("IsEscalation") or kind not in ("managed-instance", "instance", "document"):
        return resource
    return f"{rest} ({name})" if name else rest


def _counted(count: int, noun: str) -> str:
    return f"1 {noun}" if count == 1 else f"{count} {noun}s"
