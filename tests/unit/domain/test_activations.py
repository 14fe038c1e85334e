"""Activations."""

from datetime import timedelta

from tests.support.factories import NOW, an_activation


def test_an_activation_is_good_until_just_before_it_expires():
    activation = an_activation(expires_at=NOW)
    assert not activation.has_expired(NOW - timedelta(microseconds=1))
    assert activation.has_expired(NOW)
