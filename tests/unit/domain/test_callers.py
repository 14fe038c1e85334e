"""Callers are values that nobody changes after authentication."""

from dataclasses import FrozenInstanceError

import pytest

from fairlead.domain.callers import Caller, CallerKind, Origin
from fairlead.domain.scope import Scope


def test_a_caller_cannot_be_changed():
    caller = Caller(
        kind=CallerKind.USER,
        scope=Scope("111122223333", "us-east-1"),
        arn="arn:aws:iam::111122223333:user/alice",
        principal_id="AIDAEXAMPLEALICE00001",
        name="alice",
        access_key_id="AKIAIOSFODNN7EXAMPLE",
        origin=Origin(source_address="192.0.2.7"),
    )
    with pytest.raises(FrozenInstanceError):
        caller.principal_id = "AIDAOTHER"
    assert caller.node_id is None
