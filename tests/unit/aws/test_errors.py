import pytest

from fairlead.aws import errors


def test_one_failure_is_told_in_the_singular():
    failure = errors.ConstraintFailure("target", None, "Member must not be null")

    assert str(errors.ValidationFailed([failure])) == (
        "1 validation error detected: Value null at 'target' failed to satisfy constraint: "
        "Member must not be null"
    )


def test_several_failures_are_counted_and_joined():
    error = errors.ValidationFailed(
        [
            errors.ConstraintFailure("a", "x", "Member must be this"),
            errors.ConstraintFailure("b", "", "Member must be that"),
        ]
    )

    assert str(error) == (
        "2 validation errors detected: "
        "Value 'x' at 'a' failed to satisfy constraint: Member must be this; "
        "Value '' at 'b' failed to satisfy constraint: Member must be that"
    )
    assert [failure.path for failure in error.failures] == ["a", "b"]


def test_a_masked_failure_keeps_nothing_of_the_value():
    failure = errors.ConstraintFailure("code", "hunter2", "Member must be longer", masked=True)

    assert str(failure) == "Value at 'code' failed to satisfy constraint: Member must be longer"
    assert failure.value is None
    assert "hunter2" not in repr(failure)


def test_short_text_is_repeated_whole_and_long_text_is_cut():
    assert errors.excerpt("x" * errors.MAX_EXCERPT) == "x" * errors.MAX_EXCERPT
    assert errors.excerpt("x" * (errors.MAX_EXCERPT + 1)) == "x" * errors.MAX_EXCERPT + "…"


@pytest.mark.parametrize(
    ("child", "parent"),
    [
        (errors.SignatureError, errors.AwsError),
        (errors.RequestError, errors.AwsError),
        (errors.MalformedArn, errors.AwsError),
        (errors.MissingAuthentication, errors.SignatureError),
        (errors.IncompleteSignature, errors.SignatureError),
        (errors.SignatureMismatch, errors.SignatureError),
        (errors.HeaderNotSigned, errors.SignatureMismatch),
        (errors.ScopeMismatch, errors.SignatureError),
        (errors.SignatureExpired, errors.SignatureError),
        (errors.SignatureNotYetCurrent, errors.SignatureError),
        (errors.SerializationFailed, errors.RequestError),
        (errors.ValidationFailed, errors.RequestError),
    ],
)
def test_the_tree_is_the_one_that_the_http_edge_translates(child, parent):
    assert child.__base__ is parent
