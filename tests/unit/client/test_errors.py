"""The errors that end a client."""

import pytest

from fairlead.client import errors


@pytest.mark.parametrize(
    "error", [errors.UsageError, errors.SettingsError, errors.CredentialsError, errors.SessionEnded]
)
def test_every_error_is_caught_as_one_kind_and_keeps_its_text(error):
    with pytest.raises(errors.ClientError, match="what to do"):
        raise error("what to do")


def test_a_service_error_carries_aws_name_and_status_for_the_caller():
    error = errors.ServiceError("refused", "AccessDeniedException", 400)
    assert (str(error), error.code, error.status) == ("refused", "AccessDeniedException", 400)


def test_the_end_of_a_session_is_certain_unless_said_otherwise():
    assert errors.SessionEnded("over").is_certain
    assert not errors.SessionEnded("unknown", is_certain=False).is_certain
