"""Identities as files: one JSON file for each user, group, role and managed policy, in a directory of a kind.

    users/alice.json   groups/ops.json   roles/Deploy.json   policies/Ssh.json

Made for version control: the same identities give the same bytes.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from fairlead.client.errors import ClientError
from fairlead.client.identity_state import KINDS, State, add, entry_of, read_details, read_identity
from fairlead.transport.errors import printable

MAX_FILE_BYTES = 4 * 1024 * 1024
MAX_DETAILS_BYTES = 64 * 1024 * 1024
"""Longest output of `aws iam get-account-authorization-details` that is read."""

SUFFIX = ".json"


def read_files(source: Path) -> State:
    """The identities of a directory, or of a file with the output of AWS's command. Raises ClientError."""
    if not source.is_dir():
        return read_details(_read_object(source, MAX_DETAILS_BYTES), str(source))
    if not any((source / kind).is_dir() for kind in KINDS):
        raise ClientError(f"{source} has none of the directories {', '.join(sorted(KINDS))}")
    state: State = {}
    for kind in KINDS:
        for path in sorted((source / kind).glob(f"*{SUFFIX}")):
            add(state, read_identity(kind, _read_object(path, MAX_FILE_BYTES), str(path)), str(path))
    return state


def write_files(state: State, target: Path) -> tuple[int, int]:
    """Write all identities, and remove the files of those that are gone; how many of each.

    Raises ClientError when the directory cannot be written.
    """
    written: set[Path] = set()
    removed = 0
    try:
        for kind in KINDS:
            (target / kind).mkdir(parents=True, exist_ok=True)
        for identity in state.values():
            path = target / identity.kind / (identity.name + SUFFIX)
            text = json.dumps(entry_of(identity), indent=2, ensure_ascii=False) + "\n"
            path.write_text(text, encoding="utf-8")
            written.add(path)
        for kind in KINDS:
            for path in (target / kind).glob(f"*{SUFFIX}"):
                if path not in written:
                    path.unlink()
                    removed += 1
    except OSError as error:
        raise ClientError(f"cannot write {target}: {error}") from None
    return len(written), removed


def _read_object(path: Path, max_bytes: int) -> dict[str, Any]:  # Any: JSON
    try:
        with path.open("rb") as file:
            content = file.read(max_bytes + 1)
    except OSError as error:
        raise ClientError(f"cannot read {path}: {error.strerror}") from None
    if len(content) > max_bytes:
        raise ClientError(f"{path} is longer than {max_bytes} bytes")
    try:
        value = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise ClientError(f"{path} is not JSON: {printable(str(error), 200)}") from None
    if not isinstance(value, dict):
        raise ClientError(f"{path} does not hold a JSON object")
    return value
