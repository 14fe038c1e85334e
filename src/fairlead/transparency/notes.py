"""Signed notes and checkpoints: what a log says of itself, as text that anybody can keep and check.

The formats are those of transparency logs at large, c2sp.org/signed-note and c2sp.org/tlog-checkpoint: the
log's name, how many records it has, the root over them, and an Ed25519 signature. A key is handed on as
`NAME+ID+KEY`, the form in which such logs publish theirs.
"""

import base64
import binascii
import hashlib
import re
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from fairlead.transparency.merkle import HASH_BYTES

MAX_NOTE_BYTES = 16 * 1024
"""Longest note that is looked at. Ours have some 200 bytes; witnesses may add lines."""
MAX_SIGNATURES = 32
"""Signature lines that a note may have."""

_ED25519 = b"\x01"
_ED25519_BYTES = 64
_KEY_ID_BYTES = 4
_SIGNATURE = re.compile(r"— ([^\s+]+) ([A-Za-z0-9+/]+={0,2})")
_SIZE = re.compile(r"0|[1-9][0-9]{0,17}", re.ASCII)
_NAME = re.compile(r"[!-*,-~]{1,200}", re.ASCII)
_KEY_ID = re.compile(r"[0-9a-f]{8}", re.ASCII)


class NoteInvalid(Exception):
    """The text is no checkpoint, no key, or not signed by the key; the text says which."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """How long a log is, and the root over its records. `origin` is the log's name."""

    origin: str
    size: int
    root: bytes

    def text(self) -> str:
        """What is signed."""
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode()}\n"


@dataclass(frozen=True, slots=True)
class NoteKey:
    """The public key of a log, with the log's name."""

    name: str
    public_key: bytes

    @property
    def id(self) -> bytes:
        """What tells this key from others of the same name."""
        named = self.name.encode() + b"\n" + _ED25519 + self.public_key
        return hashlib.sha256(named).digest()[:_KEY_ID_BYTES]

    def __str__(self) -> str:
        return f"{self.name}+{self.id.hex()}+{base64.b64encode(_ED25519 + self.public_key).decode()}"

    def verify(self, note: str) -> Checkpoint:
        """The checkpoint of a note that is signed with this key. Raises NoteInvalid."""
        text, signatures = split_note(note)
        mine = [signature for name, key_id, signature in signatures if (name, key_id) == (self.name, self.id)]
        if not mine:
            raise NoteInvalid(f"the checkpoint is not signed with the key {self.name}+{self.id.hex()}")
        key = Ed25519PublicKey.from_public_bytes(self.public_key)
        for signature in mine:
            try:
                key.verify(signature, text.encode())
            except InvalidSignature:
                raise NoteInvalid("the checkpoint's signature is wrong: it was changed or forged") from None
        return parse_checkpoint(text)


class NoteSigner:
    """Signs checkpoints of one log. Its repr has no secret."""

    def __init__(self, name: str, private_key: Ed25519PrivateKey) -> None:
        self._private_key = private_key
        self.key = NoteKey(name, private_key.public_key().public_bytes_raw())

    def sign(self, size: int, root: bytes) -> str:
        """The signed note of the checkpoint with this size and root."""
        text = Checkpoint(self.key.name, size, root).text()
        signed = self.key.id + self._private_key.sign(text.encode())
        return f"{text}\n— {self.key.name} {base64.b64encode(signed).decode()}\n"


def parse_key(text: str) -> NoteKey:
    """A key as `str` of it gives it. Raises NoteInvalid."""
    name, _, rest = text.strip().partition("+")
    key_id, _, encoded = rest.partition("+")
    raw = _base64(encoded)
    if not _NAME.fullmatch(name) or not _KEY_ID.fullmatch(key_id) or raw is None:
        raise NoteInvalid("the key is not of the form NAME+ID+KEY")
    if raw[:1] != _ED25519 or len(raw) != 1 + HASH_BYTES:
        raise NoteInvalid("the key is no Ed25519 key")
    key = NoteKey(name, raw[1:])
    if key.id.hex() != key_id:
        raise NoteInvalid("the key does not belong to its id: a part of it is missing or changed")
    return key


def unverified_checkpoint(note: str) -> Checkpoint:
    """What a note says, whoever signed it. Raises NoteInvalid."""
    return parse_checkpoint(split_note(note)[0])


def split_note(note: str) -> tuple[str, list[tuple[str, bytes, bytes]]]:
    """The text of a note, and its signatures as name, key id and signature. Raises NoteInvalid."""
    if len(note) > MAX_NOTE_BYTES or len(note.encode("utf-8", "replace")) > MAX_NOTE_BYTES:
        raise NoteInvalid(f"a checkpoint has {MAX_NOTE_BYTES} bytes at most")
    text, blank, rest = note.rpartition("\n\n")
    lines = rest.removesuffix("\n").split("\n")
    if not blank or not rest.endswith("\n") or len(lines) > MAX_SIGNATURES or _has_controls(note):
        raise NoteInvalid("this is no checkpoint: three lines, an empty one, and a signature")
    return f"{text}\n", [_signature(line) for line in lines]


def parse_checkpoint(text: str) -> Checkpoint:
    """The signed text of a checkpoint. Raises NoteInvalid. Further lines mean nothing to us."""
    lines = text.split("\n")
    if len(lines) < 4 or not all(lines[:-1]) or lines[-1]:
        raise NoteInvalid("this is no checkpoint: three lines, an empty one, and a signature")
    origin, size, encoded = lines[:3]
    root = _base64(encoded)
    if not _SIZE.fullmatch(size) or root is None or len(root) != HASH_BYTES:
        raise NoteInvalid("the checkpoint's size or root cannot be read")
    return Checkpoint(origin, int(size), root)


def _signature(line: str) -> tuple[str, bytes, bytes]:
    match = _SIGNATURE.fullmatch(line)
    raw = _base64(match[2]) if match else None
    if match is None or raw is None or len(raw) <= _KEY_ID_BYTES:
        raise NoteInvalid("a signature line of the checkpoint cannot be read")
    return match[1], raw[:_KEY_ID_BYTES], raw[_KEY_ID_BYTES:]


def _base64(text: str) -> bytes | None:
    try:
        raw = base64.b64decode(text.encode("ascii"), validate=True)
    except (binascii.Error, UnicodeEncodeError):
        return None
    return raw if base64.b64encode(raw).decode() == text else None


def _has_controls(text: str) -> bool:
    return any(character < " " and character != "\n" for character in text) or not _is_utf8(text)


def _is_utf8(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
