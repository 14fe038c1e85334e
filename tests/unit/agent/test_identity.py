"""The state directory: private, whole after every step, one agent at a time."""

import fcntl
import json
import os
import stat
from dataclasses import replace

import pytest

from fairlead.agent import identity
from fairlead.agent.errors import IdentityError
from fairlead.agent.identity import Registration, StateDirectory, normalised_certificates
from tests.support.certificates import Authority


@pytest.fixture
def state(tmp_path):
    directory = StateDirectory(tmp_path / "deep" / "state")
    directory.prepare()
    return directory


def a_registration(state, **changes):
    values = {
        "instance_id": "mi-0123456789abcdef0",
        "region": "us-east-1",
        "endpoint": "https://fairlead.example",
        "fingerprint": "5f7c4a52-4bb1-43de-b5b5-3c0d4f5a2a11",
        "key_file": state.write_key(b"key"),
    }
    return Registration(**{**values, **changes})


def test_a_registration_comes_back_as_it_was_saved(state):
    registration = a_registration(state)
    assert not state.is_registered()
    state.save(registration)
    assert state.is_registered()
    assert state.load() == registration


def test_everything_is_for_the_owner_only(state):
    state.save(a_registration(state))
    state.write_anchors(Authority().pem)
    assert stat.S_IMODE(state.path.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in state.path.iterdir()} == {0o600}


def test_a_directory_of_another_user_is_refused(state, monkeypatch):
    state.save(a_registration(state))
    owner = os.geteuid()
    monkeypatch.setattr(os, "geteuid", lambda: owner + 1)
    with pytest.raises(
        IdentityError, match=f"belongs to the user with id {owner}, and this runs as {owner + 1}"
    ):
        state.load()
    with pytest.raises(IdentityError, match="run it as that user"):
        state.prepare()


def test_the_lock_passes_from_one_program_to_the_next_by_its_descriptor(state):
    with state.locked() as descriptor:
        assert state.is_in_use()
        with state.locked(inherited=os.dup(descriptor)):
            assert state.is_in_use()


@pytest.mark.parametrize("is_open", [True, False])
def test_a_descriptor_that_is_not_the_locks_is_left_alone_and_the_directory_locked(state, tmp_path, is_open):
    with (tmp_path / "other").open("wb") as other:
        with state.locked(inherited=other.fileno() if is_open else 10**6) as descriptor:
            assert descriptor != other.fileno()
            assert state.is_in_use()
            with pytest.raises(IdentityError, match="in use"), state.locked(0.0, inherited=10**6):
                pass
        other.write(b"still open")


def test_looking_whether_a_directory_is_in_use_is_no_use_of_it(state):
    assert not state.is_in_use()
    with state.locked():
        pass
    descriptor = os.open(state.path / identity.LOCK_FILE, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH)  # somebody else looks at the same moment
        assert not state.is_in_use()
    finally:
        os.close(descriptor)


def test_a_directory_open_to_others_is_refused(state):
    state.save(a_registration(state))
    state.path.chmod(0o750)
    with pytest.raises(IdentityError, match="open to other users; run `chmod 700"):
        state.load()
    with pytest.raises(IdentityError, match="open to other users"):
        state.prepare()


def test_a_file_in_place_of_the_directory_is_refused(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(IdentityError, match="cannot be used as a state directory"):
        StateDirectory(tmp_path / "file").prepare()


def test_an_unregistered_directory_says_how_to_register(state):
    with pytest.raises(IdentityError, match="run `fairlead agent register` first"):
        state.load()


@pytest.mark.parametrize(
    "change",
    [
        {"version": 2},
        {"key_file": "../../etc/shadow"},
        {"next_key_file": "/etc/shadow"},
        {"instance_id": ""},
        {"region": 7},
        {"unknown": "member"},
    ],
)
def test_a_damaged_registration_is_named_as_such(state, change):
    state.save(a_registration(state))
    path = state.path / "registration.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}))
    with pytest.raises(IdentityError, match=r"damaged .*; register again with --force"):
        state.load()


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff", b"null"])
def test_bytes_that_are_no_registration_are_named_as_such(state, content):
    state.write("registration.json", content)
    with pytest.raises(IdentityError, match="damaged"):
        state.load()


def test_a_huge_registration_is_not_parsed(state):
    state.write("registration.json", b" " * (identity.MAX_REGISTRATION_BYTES + 1))
    with pytest.raises(IdentityError, match="larger than"):
        state.load()


def test_saving_removes_keys_that_are_no_longer_named(state):
    first = a_registration(state)
    state.save(first)
    second = replace(first, key_file=state.write_key(b"another"))
    state.save(second)
    assert [path.name for path in state.path.glob("key-*")] == [second.key_file]


def test_both_keys_stay_during_a_key_change_and_only_the_new_one_after_it(state):
    first = a_registration(state)
    pending = replace(first, next_key_file=state.write_key(b"next"))
    state.save(pending)
    assert state.key_path(first.key_file).read_bytes() == b"key"
    adopted = state.adopt_next_key(pending)
    assert adopted == state.load() == replace(first, key_file=pending.next_key_file)
    assert not state.key_path(first.key_file).exists()
    with pytest.raises(ValueError, match="no key change"):
        state.adopt_next_key(adopted)


def test_a_key_that_no_registration_names_is_found_until_one_does(state):
    assert state.unregistered_key() is None
    tried = state.write_key(b"tried")
    assert state.unregistered_key() == tried
    assert state.read_key(tried) == b"tried"
    state.save(replace(a_registration(state), key_file=tried))
    assert state.unregistered_key() is None
    again = state.write_key(b"again")
    assert state.unregistered_key() == again


def test_of_a_damaged_registration_the_newest_key_is_found(state):
    first, second = state.write_key(b"first"), state.write_key(b"second")
    os.utime(state.key_path(first), (0, 0))
    state.write(identity.REGISTRATION_FILE, b"{")
    assert state.unregistered_key() == second


def test_a_key_that_is_gone_is_named(state):
    with pytest.raises(IdentityError, match=r"key-0000\.pem: cannot be read"):
        state.read_key("key-0000.pem")


def test_a_failed_write_leaves_the_old_content_and_no_debris(state, monkeypatch):
    state.write("registration.json", b"old")

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(identity.os, "fsync", full)
    with pytest.raises(IdentityError, match="cannot be written: No space left"):
        state.write("registration.json", b"new")
    assert (state.path / "registration.json").read_bytes() == b"old"
    assert [path.name for path in state.path.iterdir()] == ["registration.json"]


def test_one_agent_at_a_time(state):
    with (
        state.locked(),
        pytest.raises(IdentityError, match="in use by another agent"),
        StateDirectory(state.path).locked(0),
    ):
        pass
    with state.locked():
        pass


def test_anchors_are_a_set_that_can_be_extended(state):
    old, new = Authority("old").pem, Authority("new").pem
    state.write_anchors(b"some text\n" + old)
    assert state.extend_anchors(new + old) == 1
    assert state.anchors_path.read_bytes() == old + new
    assert state.extend_anchors(old.replace(b"\n", b"\r\n") + new) == 0


def test_extending_no_anchors_makes_a_set(state):
    assert state.anchors_path is None
    assert state.extend_anchors(Authority().pem) == 1
    state.write_anchors(None)
    assert state.anchors_path is None


def test_text_without_a_certificate_is_no_anchor(state):
    with pytest.raises(IdentityError, match="no certificate found"):
        state.write_anchors(b"-----BEGIN CERTIFICATE-----\nnot closed")


def test_the_set_of_anchors_is_bounded(state):
    with pytest.raises(IdentityError, match="would exceed"):
        state.write_anchors(Authority().pem * 1000)


def test_certificates_are_cut_from_the_text_around_them():
    pem = Authority().pem
    assert normalised_certificates(b"subject=x\n" + pem + b"\nissuer=y\n" + pem) == [pem, pem]
