"""`fairlead audit`: files in, files out, and the exit status."""

import json

import pytest

from fairlead.cli.app import main
from fairlead.client import admin_api
from tests.support.audit_service import AuditService


@pytest.fixture
def service(monkeypatch):
    service = AuditService(5)
    monkeypatch.setattr(admin_api, "open_admin_api", lambda profile: service)
    return service


def test_an_export_and_its_proof_are_verified_without_the_server(service, tmp_path, monkeypatch, capsys):
    events, proof, note = tmp_path / "events.jsonl", tmp_path / "proof.json", tmp_path / "checkpoint"
    assert main(["audit", "export", "--output", str(events), "--proof", str(proof)]) == 0
    assert events.read_text() == "".join(f"{event}\n" for event in service.events)
    note.write_text(service.note(3))
    monkeypatch.setattr(admin_api, "open_admin_api", None)
    words = ["audit", "verify", "--export", str(events), "--proof", str(proof)]
    assert main([*words, "--checkpoint", str(note)]) == 0
    assert "the first 3 events are those of this checkpoint" in capsys.readouterr().out
    events.write_text(events.read_text().replace("id-1", "id-x"))
    assert main(words) == 1
    assert "changed, removed, added or moved" in capsys.readouterr().err


def test_an_export_that_fails_leaves_the_one_of_before_and_nothing_else(service, tmp_path, capsys):
    events = tmp_path / "events.jsonl"
    events.write_text("the export of before")
    service.change = lambda answer: {**answer, "FirstIndex": 7} if len(service.calls) > 1 else answer
    service.events *= 300
    assert main(["audit", "export", "--output", str(events)]) == 1
    assert "cannot be read" in capsys.readouterr().err
    assert events.read_text() == "the export of before"
    assert list(tmp_path.iterdir()) == [events]


def test_events_go_to_standard_output_and_times_to_the_server(service, capsys):
    words = ["--from", "2026-11-01", "--to", "2026-11-01T12:00:00+01:00"]
    assert main(["audit", "export", *words]) == 0
    assert [json.loads(line) for line in capsys.readouterr().out.splitlines()] == [
        {"eventID": f"id-{number}"} for number in range(5)
    ]
    asked = service.calls[0][1]
    assert (asked["StartTime"], asked["EndTime"]) == (1793491200.0, 1793530800.0)


def test_the_server_is_asked_where_there_is_no_export(service, capsys):
    assert main(["audit", "verify", "--event", "id-2"]) == 0
    assert "Event id-2 is number 2 of the log" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "status", "text"),
    [
        (["export", "--from", "yesterday"], 2, "is no time such as"),
        (["verify", "--export", "x"], 2, "belong together"),
        (["verify", "--export", "x", "--proof", "y", "--event", "z"], 2, "as a whole"),
        (["verify", "--export", "/nonexistent/x", "--proof", "y"], 1, "/nonexistent/x: No such file"),
        (["export", "--output", "/nonexistent/x"], 1, "/nonexistent/x: No such file"),
        (["verify", "--checkpoint", "/nonexistent/x"], 1, "/nonexistent/x: No such file"),
    ],
)
def test_what_cannot_be_done_is_said_in_a_line(service, words, status, text, capsys):
    assert main(["audit", *words]) == status
    assert text in " ".join(capsys.readouterr().err.replace("│", " ").split())
