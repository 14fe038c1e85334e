"""A machine before its disk is copied: nothing is left that makes it a node, and nothing else is taken."""

import pytest

from fairlead.agent.errors import IdentityError, InUseError
from fairlead.agent.identity import REGISTRATION_FILE, Registration, StateDirectory
from fairlead.agent.image import clear_for_image
from fairlead.agent.registration import older_fingerprint
from fairlead.agent.run_status import STATUS_FILE, RunStatus, write_status
from tests.support.certificates import Authority

NODE = "mi-0123456789abcdef0"


@pytest.fixture
def state(tmp_path):
    directory = StateDirectory(tmp_path / "state")
    directory.prepare()
    return directory


@pytest.fixture
def registered(state):
    state.save(
        Registration(
            instance_id=NODE,
            region="us-east-1",
            endpoint="https://fairlead.example",
            fingerprint="5f7c4a52-4bb1-43de-b5b5-3c0d4f5a2a11",
            key_file=state.write_key(b"key"),
        )
    )
    return state


def files(state):
    return {path.name for path in state.path.iterdir()}


def test_registration_keys_and_what_a_crash_left_of_them_go(registered):
    registered.write_key(b"a key that was never put in force")
    (registered.path / ".key-0123456789abcdef.pem.0a1b2c3d").write_bytes(b"half a key")
    (registered.path / ".registration.json.0a1b2c3d").write_bytes(b"{")
    write_status(registered, RunStatus(pid=1, version="1"))
    said = clear_for_image(registered)
    assert files(registered) == {"agent.lock"}
    assert f"fairlead nodes deregister {NODE}" in said
    assert "\n" not in said


def test_settings_and_trust_anchors_stay(registered):
    registered.write_anchors(Authority().pem)
    (registered.path / "agent.toml").write_text('allow_ports = ["22"]')
    clear_for_image(registered)
    assert files(registered) == {"agent.lock", "agent.toml", "anchors.pem"}


def test_the_next_registration_is_another_machines(registered):
    assert older_fingerprint(registered) is not None
    clear_for_image(registered)
    assert older_fingerprint(registered) is None


def test_a_damaged_registration_goes_too(registered):
    (registered.path / REGISTRATION_FILE).write_bytes(b"{")
    assert "NODE" in clear_for_image(registered)
    assert files(registered) == {"agent.lock"}


def test_with_nothing_registered_there_is_nothing_to_do(state):
    assert "nothing is registered here" in clear_for_image(state)


def test_the_identity_of_a_running_agent_is_not_taken(registered):
    with registered.locked(), pytest.raises(InUseError, match="stop that one first"):
        clear_for_image(registered)
    assert registered.is_registered()


def test_what_is_no_state_directory_is_refused(tmp_path):
    with pytest.raises(IdentityError, match="no such state directory"):
        clear_for_image(StateDirectory(tmp_path / "nowhere"))


def test_the_status_of_a_process_that_is_over_goes_with_it(registered):
    write_status(registered, RunStatus(pid=1, version="1"))
    clear_for_image(registered)
    assert not (registered.path / STATUS_FILE).exists()
