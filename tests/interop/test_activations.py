"""Machines join with the code of an activation, as many as it allows, and stay when it is gone."""

from pathlib import Path

import pytest

from tests.interop.conftest import Done, Site

pytestmark = pytest.mark.interop


def test_as_many_machines_register_as_the_activation_allows(site: Site, tmp_path: Path) -> None:
    activation = _activation(site, "--registration-limit", "2")
    first, second, third = (_register(site, activation, tmp_path / str(number)) for number in range(3))
    assert (first.status, second.status) == (0, 0)
    assert third.status == 1
    assert len(third.stderr.splitlines()) == 1
    assert "RegistrationLimitExceeded" in third.stderr


def test_a_wrong_code_registers_nobody_and_takes_no_place(site: Site, tmp_path: Path) -> None:
    activation = _activation(site)
    wrong = _register(site, {**activation, "ActivationCode": "A" * 20}, tmp_path / "wrong")
    assert wrong.status == 1
    assert not list((tmp_path / "wrong").glob("key-*"))
    assert _register(site, activation, tmp_path / "right").status == 0


def test_a_node_outlives_its_activation(site: Site) -> None:
    guest = site.stack.add_agent("guest")
    try:
        (activation,) = _activations_of(site, "guest")
        site.stack.aws("ssm", "delete-activation", "--activation-id", activation)
        assert _activations_of(site, "guest") == []
        assert site.ssh("proxy", guest.node_id, "echo in") == Done(0, "in\n", "")
        guest.child.stop()
        guest = site.stack.start_agent("guest")
        assert site.ssh("proxy", guest.node_id, "echo in again") == Done(0, "in again\n", "")
    finally:
        guest.child.stop()


def _activation(site: Site, *options: str) -> dict[str, str]:
    return site.stack.aws("ssm", "create-activation", "--iam-role", "service-role/FairleadNode", *options)


def _activations_of(site: Site, name: str) -> list[str]:
    """Ids of the activations that give machines this name."""
    named = ("--filters", f"FilterKey=DefaultInstanceName,FilterValues={name}")
    listed = site.stack.aws("ssm", "describe-activations", *named)
    return [activation["ActivationId"] for activation in listed["ActivationList"]]


def _register(site: Site, activation: dict[str, str], state: Path) -> Done:
    code = state.with_suffix(".code")
    code.write_text(activation["ActivationCode"], encoding="utf-8")
    code.chmod(0o600)
    return site.call(*site.stack.registration_command(activation["ActivationId"], code, state))
