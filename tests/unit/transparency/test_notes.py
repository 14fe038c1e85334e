"""Signed checkpoints and keys, as text."""

import base64

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from fairlead.transparency.notes import (
    MAX_NOTE_BYTES,
    MAX_SIGNATURES,
    Checkpoint,
    NoteInvalid,
    NoteSigner,
    parse_checkpoint,
    parse_key,
    split_note,
    unverified_checkpoint,
)

ROOT = bytes(range(32))
SIGNER = NoteSigner("fairlead/audit/1", Ed25519PrivateKey.from_private_bytes(bytes(32)))
NOTE = SIGNER.sign(7, ROOT)


def test_a_checkpoint_is_name_size_root_and_signature():
    text, signature = NOTE.split("\n\n")
    assert text == f"fairlead/audit/1\n7\n{base64.b64encode(ROOT).decode()}"
    assert signature.startswith("— fairlead/audit/1 ")
    assert signature.endswith("=\n")
    assert base64.b64decode(signature.split(" ")[2])[:4] == SIGNER.key.id
    assert repr(SIGNER.key.public_key) not in repr(SIGNER)


def test_its_own_key_verifies_it():
    assert SIGNER.key.verify(NOTE) == Checkpoint("fairlead/audit/1", 7, ROOT)
    assert parse_key(str(SIGNER.key)) == SIGNER.key


def test_signatures_of_others_are_let_be():
    other = NoteSigner("witness", Ed25519PrivateKey.from_private_bytes(bytes([1]) * 32))
    line = other.sign(7, ROOT).rpartition("\n\n")[2]
    assert SIGNER.key.verify(NOTE + line).size == 7
    with pytest.raises(NoteInvalid, match="not signed with the key witness"):
        other.key.verify(NOTE)


@pytest.mark.parametrize(
    "changed",
    [NOTE.replace("\n7\n", "\n8\n"), NOTE.replace("AAEC", "AAED"), NOTE.replace("audit/1\n7", "audit/2\n7")],
)
def test_what_was_changed_does_not_verify(changed):
    with pytest.raises(NoteInvalid, match="changed or forged"):
        SIGNER.key.verify(changed)


def test_what_is_said_can_be_read_without_a_key():
    assert unverified_checkpoint(NOTE).size == 7


@pytest.mark.parametrize(
    "text",
    [
        "",
        "nonsense",
        NOTE.replace("\n\n", "\n"),
        NOTE.rstrip("\n"),
        NOTE.replace("— ", "- "),
        NOTE.replace("\n7\n", "\n07\n"),
        NOTE.replace("\n7\n", "\n-7\n"),
        NOTE.replace("\n7\n", "\n\u0667\n"),
        NOTE.replace("\n7\n", "\n" + "9" * 30 + "\n"),
        NOTE.replace("AAEC", "AAE"),
        NOTE.replace("AAEC", "AA=="),
        NOTE.replace("fairlead/audit/1\n7", "\n7"),
        NOTE.replace("audit/1\n7", "audit\t/1\n7"),
        NOTE.replace("audit/1\n7", "audit\ud800/1\n7"),
        NOTE + "— name ====\n",
        NOTE + "— name AAAA\n",
        NOTE + "— name AAAAA\n",
        NOTE + "— na+me AAAAAAAA\n",
        NOTE + NOTE.rpartition("\n\n")[2] * MAX_SIGNATURES,
        "x" * (MAX_NOTE_BYTES + 1),
        "€" * (MAX_NOTE_BYTES // 2),
    ],
)
def test_what_is_no_checkpoint_is_refused(text):
    with pytest.raises(NoteInvalid):
        unverified_checkpoint(text)


def test_further_lines_of_a_checkpoint_mean_nothing():
    text, _ = split_note(NOTE)
    assert parse_checkpoint(text + "more\n") == parse_checkpoint(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "name",
        "name+12345678",
        str(SIGNER.key).replace("+", "-"),
        str(SIGNER.key)[:-4],
        str(SIGNER.key).replace("audit/1", "audit/2"),
        "two words+00000000+AQ==",
        "name+00000000+AgAA",
    ],
)
def test_what_is_no_key_is_refused(text):
    with pytest.raises(NoteInvalid):
        parse_key(text)
