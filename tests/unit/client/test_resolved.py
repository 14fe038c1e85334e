"""Expiry dates of credentials."""

from fairlead.client.resolved import parse_expiration


def test_dates_of_every_form_and_nonsense():
    assert (
        parse_expiration("2026-11-20T23:00:00Z")
        == parse_expiration("2026-11-21T00:00:00+01:00")
        == 1795215600.0
    )
    assert parse_expiration("2026-11-20T23:00:00") == 1795215600.0
    assert parse_expiration("tomorrow") is parse_expiration("") is parse_expiration(None) is None
