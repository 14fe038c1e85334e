"""What is proved, what is not, and how a log that was changed is found out."""

import base64
import json

import pytest

from fairlead.client.audit_export import ExportCommand
from fairlead.client.audit_verify import MAX_PROOF_BYTES, NO_OUTSIDE, UNPINNED, VerifyCommand, parse_proof
from fairlead.client.errors import ClientError
from tests.support.audit_service import AuditService

KEY = str(AuditService(0).signer.key)


@pytest.fixture
def service():
    return AuditService(20)


@pytest.fixture
def said():
    return []


def exported(service):
    lines = []
    proof = ExportCommand(service, lines.append).export(None, None)
    return [line.encode() for line in lines], parse_proof(json.dumps(proof).encode())


def rewritten(count=20):
    """A log in which one event was exchanged, signed with the same key."""
    service = AuditService(count)
    service.events[3] = '{"eventID":"id-3","forged":true}'
    return service


def test_without_an_outside_checkpoint_it_says_what_is_not_proved(service, said):
    assert VerifyCommand(said.append, None, ()).offline(*exported(service)) == 0
    assert said[0] == (
        "20 events, numbers 0 to 19, are in the log of 20 events, unchanged, in order and without a gap."
    )
    assert said[1] == NO_OUTSIDE
    assert said[2] == f"{UNPINNED} {KEY}"


def test_a_key_that_was_written_down_needs_no_advice(service, said):
    assert VerifyCommand(said.append, KEY, ()).offline(*exported(service)) == 0
    assert UNPINNED not in " ".join(said)


@pytest.mark.parametrize(
    "tamper",
    [
        lambda lines: [lines[0].replace(b"id-0", b"id-x"), *lines[1:]],
        lambda lines: lines[:5] + lines[6:],
        lambda lines: [lines[1], lines[0], *lines[2:]],
        lambda lines: [*lines, lines[0]],
        lambda lines: lines[:-1],
        lambda lines: lines[1:],
    ],
)
def test_an_export_that_was_changed_is_not_the_log(service, tamper):
    lines, proof = exported(service)
    with pytest.raises(ClientError, match="changed, removed, added or moved"):
        VerifyCommand(print, None, ()).offline(tamper(lines), proof)


def test_a_line_that_is_cut_off_is_named(service):
    lines, proof = exported(service)
    with pytest.raises(ClientError, match="line 20 of the export is cut off"):
        VerifyCommand(print, None, ()).offline([*lines[:-1], lines[-1][:-1]], proof)


def test_an_export_of_a_part_is_proved_by_what_stands_before_it(said):
    assert VerifyCommand(said.append, None, ()).offline(*exported(AuditService(20, first=7))) == 0
    assert said[0].startswith("13 events, numbers 7 to 19,")


def test_an_empty_export_fits_its_checkpoint(said):
    assert VerifyCommand(said.append, None, ()).offline(*exported(AuditService(20, first=20))) == 0
    assert "holds no event" in said[0]


def test_an_earlier_checkpoint_shows_that_its_beginning_is_the_same(service, said):
    outside = [("agent's", service.note(4)), ("share's", service.note(20))]
    assert VerifyCommand(said.append, None, outside).offline(*exported(service)) == 0
    assert said[1] == "agent's: the first 4 events are those of this checkpoint."
    assert said[2] == "share's: the first 20 events are those of this checkpoint."
    assert said[3].startswith("So nothing was changed")


def test_a_rewritten_log_is_found_out_by_an_earlier_checkpoint(service):
    outside = [("agent's", service.note(4))]
    assert VerifyCommand(lambda line: None, None, ()).offline(*exported(rewritten())) == 0
    with pytest.raises(ClientError, match="agent's: the log was rewritten"):
        VerifyCommand(lambda line: None, None, outside).offline(*exported(rewritten()))
    with pytest.raises(ClientError, match="agent's: the log was rewritten"):
        VerifyCommand(lambda line: None, None, outside).online(rewritten(), ())


def test_a_checkpoint_that_the_export_cannot_show_is_said_not_to_be_compared(said):
    service = AuditService(20, first=7)
    command = VerifyCommand(said.append, None, [("agent's", service.note(5))])
    assert command.offline(*exported(service)) == 1
    assert said[1].startswith("agent's: NOT compared.")
    assert NO_OUTSIDE in said


def test_online_the_server_proves_events_and_checkpoints(said):
    service = AuditService(20, first=2)
    command = VerifyCommand(said.append, KEY, [("agent's", service.note(5))])
    assert command.online(service, ["id-7"]) == 0
    assert said[0] == f"The log has 20 events, signed with {KEY}."
    assert said[1].startswith("Retention has removed the first 2 of them")
    assert said[2] == 'Event id-7 is number 7 of the log: {"eventID":"id-7"}'
    assert said[3] == "agent's: the first 5 events are those of this checkpoint."


def test_an_event_that_is_not_in_the_log_is_not_proved(service):
    service.change = lambda answer: answer | ({"Event": "{}"} if "Event" in answer else {})
    with pytest.raises(ClientError, match="event id-7 is not proved"):
        VerifyCommand(lambda line: None, None, ()).online(service, ["id-7"])


def test_a_log_that_became_shorter_is_found_out(service):
    command = VerifyCommand(lambda line: None, None, [("agent's", service.note())])
    with pytest.raises(ClientError, match="covers 20 events, and the log has 9: events were removed"):
        command.online(AuditService(9), ())


def test_another_key_is_refused(service):
    other = str(AuditService(0, seed=1).signer.key)
    with pytest.raises(ClientError, match="not signed with the key"):
        VerifyCommand(print, other, ()).offline(*exported(service))
    with pytest.raises(ClientError, match="--key: the key is not of the form"):
        VerifyCommand(print, "nonsense", ())


def test_what_is_no_checkpoint_is_named_by_where_it_was(service):
    with pytest.raises(ClientError, match=r"agent's: this is no checkpoint"):
        VerifyCommand(print, None, [("agent's", "nonsense")])
    service.change = lambda answer: answer | {"PublicKey": "nonsense"}
    with pytest.raises(ClientError, match="the server's key"):
        VerifyCommand(print, None, ()).online(service, ())


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        b"{}",
        b"[" * 100_000,
        b"\xff",
        b'{"format":"fairlead-audit-proof/1"}',
        b"x" * MAX_PROOF_BYTES * 2,
    ],
)
def test_what_is_no_proof_is_refused(data):
    with pytest.raises(ClientError):
        parse_proof(data)


def test_a_proof_that_does_not_fit_together_is_refused(service):
    lines, proof = exported(service)
    proof.first_index = 3
    with pytest.raises(ClientError, match="does not fit together"):
        VerifyCommand(print, None, ()).offline(lines, proof)


def test_a_checkpoint_of_another_log_is_refused(service):
    lines, proof = exported(service)
    text = f"other\n{service.note().partition(chr(10))[2].partition(chr(10) * 2)[0]}\n"
    signed = service.signer.key.id + service.signer._private_key.sign(text.encode())
    proof.note = f"{text}\n— {service.signer.key.name} {base64.b64encode(signed).decode()}\n"
    with pytest.raises(ClientError, match="of another log: other"):
        VerifyCommand(print, None, ()).offline(lines, proof)
