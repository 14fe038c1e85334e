import pytest

from fairlead.aws.canonical import Request
from fairlead.aws.errors import IncompleteSignature, MissingAuthentication
from fairlead.aws.signed_request import MAX_EXPIRES_S, format_amz_date, parse

CREDENTIAL = "AKIAIOSFODNN7EXAMPLE/20261120/us-east-1/ssm/aws4_request"
DATE = "20261120T212249Z"
ARGUMENTS = {
    "Action": "GetCallerIdentity",
    "X-Amz-Algorithm": "AWS4-HMAC-SHA256",
    "X-Amz-Credential": "AKIAIOSFODNN7EXAMPLE%2F20261120%2Fus-east-1%2Fsts%2Faws4_request",
    "X-Amz-Date": DATE,
    "X-Amz-Expires": "900",
    "X-Amz-SignedHeaders": "host",
    "X-Amz-Signature": "0123abcd",
}


def authorization(credential=CREDENTIAL, signed_headers="host;x-amz-date", signature="0123abcd"):
    return f"AWS4-HMAC-SHA256 Credential={credential}, SignedHeaders={signed_headers}, Signature={signature}"


def in_header(value=None, date=DATE, more=(), query=""):
    headers = [("Host", "ssm.example"), ("Authorization", value if value is not None else authorization())]
    headers += [("X-Amz-Date", date)] if date is not None else []
    return Request("POST", "/", query, [*headers, *more], b"{}")


def in_query(more=(), **changes):
    arguments = ARGUMENTS | {name.replace("_", "-"): value for name, value in changes.items()}
    query = "&".join(f"{name}={value}" for name, value in arguments.items() if value is not None)
    return Request("GET", "/", query, [("Host", "sts.example"), *more])


def refusal(request):
    with pytest.raises(IncompleteSignature) as caught:
        parse(request)
    return str(caught.value)


def test_the_header_form_is_read_in_all_its_parts():
    signed = parse(in_header(more=[("X-Amz-Security-Token", " a token ")]))

    assert signed.access_key_id == "AKIAIOSFODNN7EXAMPLE"
    assert str(signed.scope) == "20261120/us-east-1/ssm/aws4_request"
    assert (signed.scope.date, signed.scope.region, signed.scope.service) == ("20261120", "us-east-1", "ssm")
    assert signed.signed_headers == ("host", "x-amz-date")
    assert signed.signature == "0123abcd"
    assert signed.session_token == "a token"
    assert signed.amz_date == DATE
    assert signed.signed_at == 1795209769
    assert signed.expires_s is None
    assert not signed.is_presigned


def test_the_presigned_form_is_read_in_all_its_parts():
    signed = parse(in_query(X_Amz_Security_Token="a%2Fb%2Bc%3D"))

    assert signed.access_key_id == "AKIAIOSFODNN7EXAMPLE"
    assert str(signed.scope) == "20261120/us-east-1/sts/aws4_request"
    assert signed.signed_headers == ("host",)
    assert signed.signature == "0123abcd"
    assert signed.session_token == "a/b+c="
    assert signed.signed_at == 1795209769
    assert signed.expires_s == 900
    assert signed.is_presigned


def test_a_request_without_a_session_token_has_none():
    assert parse(in_header()).session_token is None
    assert parse(in_query()).session_token is None


def test_a_base64_signature_keeps_its_equals_signs():
    signed = parse(in_header(authorization(signature="ab+/Signature=cd==")))

    assert signed.signature == "ab+/Signature=cd=="


def test_blanks_after_the_commas_are_optional():
    assert parse(in_header(authorization().replace(", ", ","))).signature == "0123abcd"


@pytest.mark.parametrize("value", [None, "", "  "])
def test_a_request_without_authorization_is_missing_its_authentication(value):
    headers = [("Host", "ssm.example")] + ([] if value is None else [("Authorization", value)])

    with pytest.raises(MissingAuthentication, match=r"^Missing Authentication Token$"):
        parse(Request("POST", "/", "role=publish_subscribe", headers))


@pytest.mark.parametrize("value", ["Bearer abc", "aws4-hmac-sha256 Credential=x", "AWS4-HMAC-SHA256, x"])
def test_another_algorithm_is_refused(value):
    assert "Unsupported AWS 'algorithm'" in refusal(in_header(value))


def test_every_lacking_part_of_the_header_is_named():
    assert refusal(in_header("AWS4-HMAC-SHA256 ", date=None)) == (
        "Authorization header requires 'Credential' parameter. "
        "Authorization header requires 'Signature' parameter. "
        "Authorization header requires 'SignedHeaders' parameter. "
        "Authorization header requires existence of a 'X-Amz-Date' header."
    )


def test_an_empty_signature_counts_as_lacking():
    assert refusal(in_header(authorization(signature=""))) == (
        "Authorization header requires 'Signature' parameter."
    )


@pytest.mark.parametrize("more", ["Credential=other/1/2/3/aws4_request", "Colour=red"])
def test_a_repeated_or_unknown_parameter_is_refused(more):
    value = authorization().replace("SignedHeaders", f"{more}, SignedHeaders")

    assert f"unexpected '{more.partition('=')[0]}' parameter" in refusal(in_header(value))


@pytest.mark.parametrize(
    "credential",
    ["", "AKIA", "AKIA/20261120/us-east-1/ssm", f"{CREDENTIAL}/more", "AKIA//us-east-1/ssm/aws4_request"],
)
def test_a_credential_must_have_its_five_parts(credential):
    text = refusal(in_header(authorization(credential)))

    assert "5 slash-delimited elements" in text or "requires 'Credential'" in text


def test_a_credential_must_end_as_aws_defines_it():
    text = refusal(in_header(authorization("AKIA/20261120/us-east-1/ssm/aws5_request")))

    assert text == "Credential should be scoped with a valid terminator: 'aws4_request', not 'aws5_request'."


@pytest.mark.parametrize("names", ["Host", "x-amz-date;host", "host;host", ";host", "host;", "host;;x-a"])
def test_signed_headers_must_be_lower_case_sorted_and_each_once(names):
    assert "lower-case names, sorted and each once" in refusal(in_header(authorization(signed_headers=names)))


@pytest.mark.parametrize(
    "date",
    [
        "",
        "2026-11-20T21:22:49Z",
        "20261120T212249",
        "20261120T2122491Z",
        "2026112T212249Z",
        "20261320T212249Z",
        "20261120T216049Z",
        "20261120T212249z",
        "Fri, 20 Nov 2026 21:22:49 GMT",
        "²0261120T212249Z",
    ],
)
def test_the_date_must_be_in_the_basic_format(date):
    assert "ISO-8601 'basic format'" in refusal(in_header(date=date))


@pytest.mark.parametrize(
    "name",
    ["authorization", "HOST", "X-Amz-Date", "x-amz-security-token", "x-amz-target", "content-type"],
)
def test_a_header_that_matters_must_not_be_repeated(name):
    request = in_header(more=[(name, "one"), (name.title(), "two")])

    assert refusal(request) == f"The header '{name.lower()}' must not be repeated."


def test_other_headers_may_be_repeated():
    assert parse(in_header(more=[("Via", "a"), ("Via", "b")])).signature == "0123abcd"


@pytest.mark.parametrize("query", ["a=1&a=2", "a=1&%61=1", "X-Amz-Date=1&X-Amz-Date=1"])
def test_a_query_argument_must_not_be_repeated(query):
    assert "must not be repeated" in refusal(Request("GET", "/", query, []))


@pytest.mark.parametrize("name", [*sorted(set(ARGUMENTS) - {"Action"}), "X-Amz-Security-Token"])
def test_a_signature_in_the_header_and_one_in_the_query_exclude_each_other(name):
    assert refusal(in_header(query=f"{name}=1")) == (
        f"Only one authentication mechanism is allowed: '{name}' is in the query beside an "
        "Authorization header."
    )


@pytest.mark.parametrize("name", ["X-Amz-Date", "x-amz-security-token"])
def test_a_presigned_url_excludes_the_headers_that_say_the_same(name):
    assert refusal(in_query(more=[(name, "1")])) == (
        f"A presigned URL must not come with the header '{name.lower()}'."
    )


@pytest.mark.parametrize("name", sorted(set(ARGUMENTS) - {"Action"}))
@pytest.mark.parametrize("value", [None, ""])
def test_a_lacking_argument_of_a_presigned_url_is_named(name, value):
    text = refusal(in_query(**{name.replace("-", "_"): value}))

    assert text == f"AWS query-string parameters must include '{name}'."


def test_a_presigned_url_with_another_algorithm_is_refused():
    assert "Unsupported AWS 'algorithm': 'AWS4-ECDSA'" in refusal(in_query(X_Amz_Algorithm="AWS4-ECDSA"))


@pytest.mark.parametrize("expires", ["0", "-1", "1.5", "x", str(MAX_EXPIRES_S + 1), "9" * 5000, "²"])
def test_the_life_of_a_presigned_url_is_from_a_second_to_a_week(expires):
    assert "seconds from 1 to 604800" in refusal(in_query(X_Amz_Expires=expires))


@pytest.mark.parametrize("expires", [1, MAX_EXPIRES_S])
def test_the_bounds_of_the_life_of_a_presigned_url_are_inclusive(expires):
    assert parse(in_query(X_Amz_Expires=str(expires))).expires_s == expires


def test_a_message_repeats_no_more_than_an_excerpt_of_the_request():
    assert len(refusal(in_header(authorization("x" * 10_000)))) < 500


def test_the_time_of_signing_is_written_in_whole_seconds():
    assert format_amz_date(1795209769.999) == DATE
