"""`fairlead iam why` and `fairlead iam who-can`: the answers of the server, as text for people or as JSON."""

from __future__ import annotations

import json

from fairlead.client.answers import pages, unreadable
from fairlead.client.errors import ClientError
from fairlead.transport.errors import printable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from typing import Any

    from fairlead.client.admin_api import AdminApi

NOT_ALLOWED = 3
"""Exit status of `why` for a refusal, and of `who-can` if nobody may; 1 and 2 are for failures and for a
wrong command line."""

ALLOWED = "allowed"
MAX_TEXT = 2048
PAGE = 50


class ExplainCommand:
    """One run of a command. `say` prints a line."""

    def __init__(self, api: AdminApi, say: Callable[[str], None], *, as_json: bool = False) -> None:
        self._api = api
        self._say = say
        self._as_json = as_json

    def why(self, principal: str, action: str, resources: Sequence[str], context: Sequence[str]) -> int:
        """May this principal do that, and why; the exit status.

        Raises `ClientError` for an unreadable key, `ServiceError`, `CredentialsError` or a `TransportError`.
        """
        members = {"Principal": principal, **_question(action, resources, context)}
        answer = self._api.call("ExplainAccess", members)
        is_allowed = answer.get("Verdict") == ALLOWED
        if self._as_json:
            self._say(json.dumps(answer, indent=2))
        else:
            who = _text(answer.get("PrincipalArn"))
            self._say(f"{who} {'may' if is_allowed else 'may not'} {_text(answer.get('Action'))}")
            if answer.get("IsLocked"):
                self._say("  but the user is locked: no credentials of his are good")
            for resource in _list(answer.get("Resources")):
                self._say_all(_resource_lines(resource))
        return 0 if is_allowed and not answer.get("IsLocked") else NOT_ALLOWED

    def who_can(self, action: str, resources: Sequence[str], context: Sequence[str]) -> int:
        """Who may do that, and why; the exit status. Raises as `why`."""
        members = {**_question(action, resources, context), "MaxResults": PAGE}
        everybody: list[Any] = []
        is_allowed = False
        for answer in pages(self._api, "FindPrincipals", members):
            for principal in _list(answer.get("Principals")):
                is_allowed |= principal.get("Verdict") == ALLOWED and not principal.get("IsLocked")
                if self._as_json:
                    everybody.append(principal)
                else:
                    self._say_principal(principal)
        if self._as_json:
            self._say(json.dumps({"Principals": everybody}, indent=2))
        elif not is_allowed:
            self._say("No user and no role may do it as the question stands.")
        return 0 if is_allowed else NOT_ALLOWED

    def _say_principal(self, principal: dict[str, Any]) -> None:
        may = "may" if principal.get("Verdict") == ALLOWED else "may, depending on the request"
        locked = ", but is locked" if principal.get("IsLocked") else ""
        self._say(f"{_text(principal.get('PrincipalArn'))} {may}{locked}")
        for resource in _list(principal.get("Resources")):
            self._say_all(_resource_lines(resource))

    def _say_all(self, lines: Iterable[str]) -> None:
        for line in lines:
            self._say(line)


def _question(action: str, resources: Sequence[str], context: Sequence[str]) -> dict[str, Any]:
    members: dict[str, Any] = {"Action": action, "Resources": list(resources)}
    keys: dict[str, list[str]] = {}
    for entry in context:
        key, sign, value = entry.partition("=")
        if not sign or not key:
            raise ClientError(f"{printable(entry, 200)!r} is not KEY=VALUE, such as aws:SourceIp=192.0.2.7")
        keys.setdefault(key, []).append(value)
    if keys:
        members["Context"] = [{"Key": key, "Values": values} for key, values in keys.items()]
    return members


def _resource_lines(resource: dict[str, Any]) -> list[str]:
    """The verdict on one resource, the statements behind it, and what is missing."""
    verdict, layer = resource.get("Verdict"), _text(resource.get("Layer"))
    said = {
        ALLOWED: "allowed by",
        "explicitDeny": "denied by",
        "implicitDeny": f"not allowed: no {layer} allows it",
    }.get(str(verdict), _text(verdict))
    lines = [f"  on {_text(resource.get('Resource'))}: {said}"]
    lines += [f"    {_statement(each)}" for each in _list(resource.get("Statements"))]
    if verdict != ALLOWED:
        lines += [_unmet_line(each) for each in _list(resource.get("UnmetStatements"))]
    missing = ", ".join(_text(key) for key in _list(resource.get("MissingKeys")))
    if missing:
        effect = "could change with" if resource.get("DependsOnMissingKeys") else "was made without"
        lines.append(f"    this answer {effect} --context for: {missing}")
    return lines


def _unmet_line(unmet: dict[str, Any]) -> str:
    statement = _statement(unmet.get("Statement") or {})
    missing = ", ".join(_text(key) for key in _list(unmet.get("MissingKeys")))
    why = f"the request has no {missing}" if missing else "the request has other values"
    return f"    its condition does not hold ({why}): {statement}"


def _statement(statement: dict[str, Any]) -> str:
    sid = statement.get("Sid")
    which = f'"{_text(sid)}"' if sid else _text(statement.get("Number"))
    effect, policy, attachment, owner = (
        _text(statement.get(name)) for name in ("Effect", "PolicyName", "Attachment", "Owner")
    )
    return f'{effect} in statement {which} of "{policy}", {attachment} "{owner}"'


def deciding_lines(answer: dict[str, object]) -> list[str]:
    """What refuses, of an answer of ExplainAccess: resources that are not allowed, with the statements."""
    refused = (each for each in _list(answer.get("Resources")) if each.get("Verdict") != ALLOWED)
    return [line.strip() for resource in refused for line in _resource_lines(resource)]


def _list(value: object) -> list[Any]:
    if value is None:
        return []
    if not isinstance(value, list):
        raise unreadable()
    return value


def _text(value: object) -> str:
    return "?" if value is None else printable(str(value), MAX_TEXT)
