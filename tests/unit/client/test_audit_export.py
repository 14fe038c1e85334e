"""The audit log as lines, page by page, and the proof beside it."""

import json

import pytest

from fairlead.client.audit_export import ExportCommand, hashes, number, text, texts
from fairlead.client.audit_verify import VerifyCommand, parse_proof
from fairlead.client.errors import ServiceError
from tests.support.audit_service import AuditService


def exported(service, *bounds):
    lines = []
    proof = ExportCommand(service, lines.append).export(*(bounds or (None, None)))
    return lines, proof


def test_every_event_is_a_line_and_the_proof_fits():
    service = AuditService(count=1203)
    lines, proof = exported(service)
    assert [json.loads(line)["eventID"] for line in lines] == [f"id-{number}" for number in range(1203)]
    command = VerifyCommand(lambda line: None, None, ())
    parsed = parse_proof(json.dumps(proof).encode())
    assert command.offline([line.encode() for line in lines], parsed) == 0


def test_bounds_are_passed_on_with_every_page():
    service = AuditService(count=900)
    exported(service, 1.5, 9.0)
    asked = [members for operation, members in service.calls if operation == "ExportAuditEvents"]
    assert len(asked) == 2
    assert all((members["StartTime"], members["EndTime"]) == (1.5, 9.0) for members in asked)


@pytest.mark.parametrize(
    "change",
    [
        lambda answer: answer | {"FirstIndex": 1},
        lambda answer: answer | {"FirstIndex": "0"},
        lambda answer: answer | {"Events": ["two\nlines"]},
        lambda answer: answer | {"Events": [5]},
        lambda answer: answer | {"Events": "text"},
        lambda answer: answer | {"Checkpoint": "nonsense"},
        lambda answer: answer | {"Checkpoint": None},
    ],
)
def test_an_answer_that_is_not_as_it_should_be_is_said_to_be_so(change):
    service = AuditService(count=600)
    service.change = change
    with pytest.raises(ServiceError, match="cannot be read"):
        exported(service)


def test_members_have_their_kinds():
    answer = {"number": 5, "text": "x", "texts": ["x"], "hashes": ["AAAA"], "wrong": True}
    assert (number(answer, "number"), text(answer, "text")) == (5, "x")
    assert (texts(answer, "texts"), texts(answer, "absent")) == (["x"], [])
    assert hashes(answer, "hashes") == [bytes(3)]
    for read in (number, text, texts, hashes):
        with pytest.raises(ServiceError):
            read(answer, "wrong")
    with pytest.raises(ServiceError):
        hashes({"hashes": ["\u00e9"]}, "hashes")
