"""A directory of identities: the same bytes for the same identities, and clear words for what is wrong."""

import json

import pytest

from fairlead.client.errors import ClientError
from fairlead.client.identity_files import read_files, write_files
from fairlead.client.identity_state import Identity

ALICE = Identity(kind="users", name="alice", tags={"Ort": "Köln"}, groups=frozenset({"b", "A"}))
OPS = Identity(kind="groups", name="ops")


def state(*identities):
    return {identity.key: identity for identity in identities}


def test_what_is_written_is_read_back(tmp_path):
    assert write_files(state(ALICE, OPS), tmp_path) == (2, 0)
    assert read_files(tmp_path) == state(OPS, ALICE)
    text = (tmp_path / "users/alice.json").read_text(encoding="utf-8")
    assert text.endswith("}\n")
    assert "Köln" in text
    assert json.loads(text)["GroupList"] == ["A", "b"]


def test_files_of_identities_that_are_gone_go(tmp_path):
    write_files(state(ALICE, OPS), tmp_path)
    (tmp_path / "users/notes.txt").write_text("kept")
    assert write_files(state(OPS), tmp_path) == (1, 1)
    assert read_files(tmp_path) == state(OPS)
    assert (tmp_path / "users/notes.txt").exists()


def test_the_output_of_awss_command_is_read_from_a_file(tmp_path):
    path = tmp_path / "details.json"
    path.write_text(json.dumps({"GroupDetailList": [{"GroupName": "ops"}]}))
    assert read_files(path) == state(OPS)


@pytest.mark.parametrize(
    ("content", "words"),
    [("{", "is not JSON"), ("[]", "does not hold a JSON object"), ("[" * 100_000, "is not JSON")],
)
def test_a_file_that_cannot_be_read_is_named(tmp_path, content, words):
    (tmp_path / "users").mkdir()
    path = tmp_path / "users/alice.json"
    path.write_text(content)
    with pytest.raises(ClientError, match=rf"^{path} {words}"):
        read_files(tmp_path)


def test_a_directory_of_something_else_is_no_empty_set_of_identities(tmp_path):
    with pytest.raises(ClientError, match="has none of the directories"):
        read_files(tmp_path)
    with pytest.raises(ClientError, match=r"cannot read .*missing"):
        read_files(tmp_path / "missing")


def test_a_place_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ClientError, match="cannot write"):
        write_files(state(OPS), tmp_path / "file")
