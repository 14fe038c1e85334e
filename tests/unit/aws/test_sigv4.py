import base64
import json
import pathlib
import subprocess
import sys

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from fairlead.aws import sigv4
from fairlead.aws.errors import (
    AwsError,
    HeaderNotSigned,
    IncompleteSignature,
    MissingAuthentication,
    ScopeMismatch,
    SignatureExpired,
    SignatureMismatch,
    SignatureNotYetCurrent,
)

VECTORS = pathlib.Path(__file__).parents[2] / "vectors" / "http"
NOW = 1795209769.0  # 20261120T212249Z
CREDENTIALS = sigv4.Credentials("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")
PSS = padding.PSS(padding.MGF1(hashes.SHA256()), salt_length=32)


def unsigned(method="POST", path="/", query="", headers=(), body=b"{}"):
    usual = [
        ("Host", "ssm.example:8443"),
        ("Content-Type", "application/x-amz-json-1.1"),
        ("X-Amz-Target", "AmazonSSM.StartSession"),
        ("User-Agent", "test"),
    ]
    return sigv4.Request(method, path, query, [*usual, *headers], body)


def signed(request=None, **parts):
    """The request with its signature; `parts` replaces parts of it afterwards."""
    request = request or unsigned()
    added = sigv4.sign_with(CREDENTIALS, request, region="us-east-1", service="ssm", now=NOW)
    values = {
        "method": request.method,
        "path": request.path,
        "query": request.query,
        "headers": [*request.headers, *added],
        "body": request.body,
    }
    return sigv4.Request(**(values | parts))


def verify(request, now=NOW, secret=CREDENTIALS.secret_access_key):
    sigv4.verify_hmac(sigv4.parse(request), secret, now)


def signed_over(names, headers=(), body=b"{}", method="POST", path="/"):
    """A correct signature over just these headers."""
    amz_date = sigv4.format_amz_date(NOW)
    everything = [*unsigned(headers=headers).headers, ("X-Amz-Date", amz_date)]

    def request(signature):
        value = (
            f"AWS4-HMAC-SHA256 Credential={CREDENTIALS.access_key_id}/20261120/us-east-1/ssm/aws4_request, "
            f"SignedHeaders={';'.join(names)}, Signature={signature}"
        )
        return sigv4.Request(method, path, "", [*everything, ("Authorization", value)], body)

    draft = sigv4.parse(request("00"))
    signer = sigv4.hmac_signer(CREDENTIALS.secret_access_key)
    return request(signer(draft.scope, sigv4.string_to_sign(draft)))


def test_the_documented_example_gives_the_documented_signature():
    # The worked example of "Create a signed AWS API request" in the IAM User Guide.
    signer = sigv4.hmac_signer("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")
    request = sigv4.Request(
        "GET",
        "/",
        "Action=ListUsers&Version=2010-05-08",
        [
            ("Host", "iam.amazonaws.com"),
            ("Content-Type", "application/x-www-form-urlencoded; charset=utf-8"),
        ],
    )

    added = sigv4.sign(
        request, credential_id="AKIDEXAMPLE", signer=signer, region="us-east-1", service="iam", now=1440938160
    )

    assert added == [
        ("X-Amz-Date", "20150830T123600Z"),
        (
            "Authorization",
            "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/iam/aws4_request, "
            "SignedHeaders=content-type;host;x-amz-date, "
            "Signature=5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7",
        ),
    ]


def test_what_is_signed_verifies():
    verify(signed())


def test_a_session_token_is_sent_and_signed():
    temporary = sigv4.Credentials("ASIAEXAMPLE", "secret", "the token")
    request = unsigned()

    added = sigv4.sign_with(temporary, request, region="us-east-1", service="ssm", now=NOW)
    parsed = sigv4.parse(sigv4.Request("POST", "/", "", [*request.headers, *added], request.body))

    assert ("X-Amz-Security-Token", "the token") in added
    assert parsed.session_token == "the token"
    assert "x-amz-security-token" in parsed.signed_headers
    sigv4.verify_hmac(parsed, "secret", NOW)


def test_only_headers_that_no_proxy_changes_are_signed():
    parsed = sigv4.parse(signed(unsigned(headers=[("Connection", "Upgrade"), ("Accept-Encoding", "gzip")])))

    assert parsed.signed_headers == ("content-type", "host", "x-amz-date", "x-amz-target")


def test_a_request_without_host_cannot_be_signed():
    with pytest.raises(ValueError, match="without its Host header"):
        sigv4.sign_with(
            CREDENTIALS, sigv4.Request("GET", "/", "", []), region="us-east-1", service="ssm", now=NOW
        )


def test_an_upgrade_request_with_a_query_is_signed_and_verifies():
    request = sigv4.Request(
        "GET",
        "/v1/control-channel/mi-0123456789abcdef0",
        "role=subscribe&stream=input",
        [("Host", "gateway.example"), ("Upgrade", "websocket"), ("Sec-WebSocket-Key", "AAAA")],
    )
    added = sigv4.sign_with(CREDENTIALS, request, region="us-east-1", service="ssmmessages", now=NOW)

    parsed = sigv4.parse(
        sigv4.Request(request.method, request.path, request.query, [*request.headers, *added])
    )

    assert parsed.signed_headers == ("host", "x-amz-date")
    sigv4.check_scope(parsed, service="ssmmessages", regions=["us-east-1"])
    sigv4.verify_hmac(parsed, CREDENTIALS.secret_access_key, NOW)


def test_an_rsa_signature_uses_the_same_header_and_the_same_text():
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    request = unsigned()

    def signer(scope, text):
        assert str(scope) == "20261120/us-east-1/ssm/aws4_request"
        return base64.b64encode(key.sign(text.encode(), PSS, hashes.SHA256())).decode()

    added = sigv4.sign(
        request,
        credential_id="mi-0123456789abcdef0",
        signer=signer,
        region="us-east-1",
        service="ssm",
        now=NOW,
    )
    parsed = sigv4.parse(sigv4.Request("POST", "/", "", [*request.headers, *added], request.body))

    assert parsed.access_key_id == "mi-0123456789abcdef0"
    sigv4.verify(parsed, rsa_verifier(key.public_key()), NOW)
    with pytest.raises(SignatureMismatch):
        sigv4.verify_hmac(parsed, "secret", NOW)


def rsa_verifier(public_key):
    def verifier(_scope, text, signature):
        try:
            public_key.verify(base64.b64decode(signature, validate=True), text.encode(), PSS, hashes.SHA256())
        except (InvalidSignature, ValueError):
            return False
        return True

    return verifier


@pytest.mark.parametrize(
    "change",
    [
        {"body": b"{ }"},
        {"path": "/other"},
        {"query": "a=1"},
        {"method": "PUT"},
        {"method": "post"},
    ],
)
def test_a_change_after_signing_is_noticed(change):
    with pytest.raises(SignatureMismatch, match="does not match the signature you provided"):
        verify(signed(**change))


def test_another_secret_gives_another_signature():
    with pytest.raises(SignatureMismatch):
        verify(signed(), secret="another")


def test_a_signature_with_characters_outside_ascii_is_a_mismatch():
    request = signed()
    headers = [(name, value.replace("Signature=", "Signature=é")) for name, value in request.headers]

    with pytest.raises(SignatureMismatch):
        verify(signed(headers=headers))


@pytest.mark.parametrize("age", [-300, 0, 300])
def test_a_clock_may_be_five_minutes_off(age):
    verify(signed(), now=NOW + age)


def test_an_old_signature_is_refused_with_the_reason():
    with pytest.raises(SignatureExpired) as caught:
        verify(signed(), now=NOW + 301)

    assert str(caught.value) == (
        "Signature expired: 20261120T212249Z is now earlier than 20261120T212250Z (20261120T212750Z - 5 min.)"
    )


def test_a_signature_from_the_future_is_refused_with_the_reason():
    with pytest.raises(SignatureNotYetCurrent) as caught:
        verify(signed(), now=NOW - 301)

    assert str(caught.value) == (
        "Signature not yet current: 20261120T212249Z is still later than 20261120T212248Z "
        "(20261120T211748Z + 5 min.)"
    )


def test_the_day_of_the_scope_must_be_the_day_of_signing():
    request = signed()
    headers = [(name, value.replace("/20261120/", "/20261121/")) for name, value in request.headers]

    with pytest.raises(ScopeMismatch, match="'20261121' != '20261120', from '20261120T212249Z'"):
        verify(signed(headers=headers))


def test_the_scope_must_name_the_service_and_a_region_that_is_served():
    parsed = sigv4.parse(signed())

    sigv4.check_scope(parsed, service="ssm", regions={"us-east-1", "eu-central-1"})
    with pytest.raises(ScopeMismatch, match="correct service: 'iam'"):
        sigv4.check_scope(parsed, service="iam", regions={"us-east-1"})
    with pytest.raises(ScopeMismatch, match="valid region, not 'us-east-1'"):
        sigv4.check_scope(parsed, service="ssm", regions={"eu-central-1"})


@pytest.mark.parametrize("name", ["content-type", "host", "x-amz-date", "x-amz-target"])
def test_a_correct_signature_that_leaves_out_what_matters_is_refused(name):
    names = sorted({"content-type", "host", "x-amz-date", "x-amz-target"} - {name})

    with pytest.raises(HeaderNotSigned, match=f"'{name}' must be a 'SignedHeader'"):
        verify(signed_over(names))


def test_any_other_amz_header_must_be_signed_too():
    with pytest.raises(HeaderNotSigned, match="'x-amz-user-agent' must be"):
        verify(signed(headers=[*signed().headers, ("X-Amz-User-Agent", "x")]))


def test_a_get_without_a_body_may_leave_its_content_type_unsigned():
    verify(signed_over(("host", "x-amz-date", "x-amz-target"), method="GET", body=b""))


def test_a_body_on_another_method_needs_its_content_type_signed():
    with pytest.raises(HeaderNotSigned, match="'content-type' must be"):
        verify(signed_over(("host", "x-amz-date", "x-amz-target"), method="PUT"))


def test_a_signed_header_that_is_not_there_is_refused():
    names = ("content-type", "host", "x-amz-date", "x-amz-target", "x-extra")

    with pytest.raises(SignatureMismatch, match="'x-extra' is a 'SignedHeader' but not a header"):
        verify(signed_over(names))


def test_a_content_hash_may_be_unsigned_but_must_be_the_bodys():
    names = ("content-type", "host", "x-amz-date", "x-amz-target")
    right = "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"  # of b"{}"

    verify(signed_over(names, [("X-Amz-Content-Sha256", right)]))
    for wrong in (right.replace("4", "5"), "UNSIGNED-PAYLOAD", ""):
        with pytest.raises(SignatureMismatch, match="'x-amz-content-sha256' header does not match"):
            verify(signed_over(names, [("X-Amz-Content-Sha256", wrong)]))


@pytest.mark.parametrize("path", ["/v1/../", "//", "/a//b", "/./a", "/a/..", ""])
def test_a_path_with_another_normal_form_is_refused_although_its_signature_is_right(path):
    names = ("content-type", "host", "x-amz-date", "x-amz-target")

    with pytest.raises(IncompleteSignature, match="is not in normal form"):
        verify(signed_over(names, path=path))


def presigned(query_end="", method="GET", body=b"", headers=(), expires=60, signed_headers="host"):
    arguments = (
        "Action=GetCallerIdentity&Version=2011-06-15&X-Amz-Algorithm=AWS4-HMAC-SHA256"
        "&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20261120%2Fus-east-1%2Fsts%2Faws4_request"
        f"&X-Amz-Date=20261120T212249Z&X-Amz-Expires={expires}&X-Amz-SignedHeaders={signed_headers}"
    )

    def request(signature):
        query = f"{arguments}&X-Amz-Signature={signature}{query_end}"
        return sigv4.Request(method, "/", query, [("Host", "sts.example"), *headers], body)

    draft = sigv4.parse(request("00"))
    signer = sigv4.hmac_signer(CREDENTIALS.secret_access_key)
    return request(signer(draft.scope, sigv4.string_to_sign(draft)))


def test_a_presigned_url_lives_until_it_expires():
    verify(presigned(), now=NOW - 300)
    verify(presigned(), now=NOW + 60)
    with pytest.raises(SignatureNotYetCurrent):
        verify(presigned(), now=NOW - 301)
    with pytest.raises(SignatureExpired, match=r"\(20261120T212350Z - 1 min\.\)$"):
        verify(presigned(), now=NOW + 61)
    with pytest.raises(SignatureExpired, match=r"- 61 s\.\)$"):
        verify(presigned(expires=61), now=NOW + 62)


def test_a_presigned_post_without_a_body_may_carry_an_unsigned_content_type():
    headers = [("Content-Type", "application/x-www-form-urlencoded")]

    verify(presigned(method="POST", headers=headers))
    with pytest.raises(HeaderNotSigned, match="'content-type' must be"):
        verify(presigned(method="POST", headers=headers, body=b"Action=CreateUser"))


def test_an_unsigned_amz_header_beside_a_presigned_url_is_refused():
    with pytest.raises(HeaderNotSigned, match="'x-amz-target' must be"):
        verify(presigned(headers=[("X-Amz-Target", "AmazonSSM.StartSession")]))


def test_credentials_do_not_show_what_is_secret():
    shown = repr(sigv4.Credentials("AKIAEXAMPLE", "hidden", "token"))

    assert "AKIAEXAMPLE" in shown
    assert "hidden" not in shown
    assert "token" not in shown


# --- recorded requests


def recorded():
    for path in sorted(VECTORS.glob("*.jsonl")):
        for line in path.read_text().splitlines():
            row = json.loads(line)
            yield pytest.param(row, id=row["id"])


REASONS = {
    "missing": MissingAuthentication,
    "incomplete": IncompleteSignature,
    "scope": ScopeMismatch,
    "skew": (SignatureExpired, SignatureNotYetCurrent),
    "signature": SignatureMismatch,
}


def judge(row):
    """Do with a recorded request what the server does; its caller's part is played here."""
    path, _, query = row["target"].partition("?")
    headers = [tuple(header) for header in row["headers"]]
    parsed = sigv4.parse(sigv4.Request(row["method"], path, query, headers, bytes.fromhex(row["body_hex"])))
    known = row["verify"]
    if parsed.access_key_id != known["access_key"]:
        return "unknown_key"
    if parsed.session_token != known.get("session_token"):
        return "bad_token"
    sigv4.check_scope(parsed, service=known["service"], regions=[known["region"]])
    if known["scheme"] == "rsa-pss":
        key = serialization.load_der_public_key(base64.b64decode(known["public_key"]))
        verifier = rsa_verifier(key)
    else:
        verifier = sigv4.hmac_verifier(known["secret_key"])
    sigv4.verify(parsed, verifier, row.get("now", row["received_at"]))
    return None


@pytest.mark.parametrize("row", list(recorded()))
def test_a_recorded_request_is_accepted_or_refused_as_marked(row):
    expected = row["expect"]
    if expected["valid"]:
        assert judge(row) is None
    elif expected["valid"] is None:
        with pytest.raises(MissingAuthentication):
            judge(row)
    elif expected["reason"] in ("unknown_key", "bad_token"):
        assert judge(row) == expected["reason"]
    else:
        with pytest.raises(AwsError) as caught:
            judge(row)
        assert isinstance(caught.value, REASONS[expected["reason"]])


def test_importing_the_signer_loads_nothing_heavy():
    banned = (
        "asyncio configparser cryptography dataclasses datetime email http.client logging picows re typer "
        "typing urllib.parse urllib.request uuid"
    )
    program = (
        "import sys; before = set(sys.modules); import fairlead.aws.sigv4, fairlead.aws.errors; "
        f"print(*sorted((set(sys.modules) - before) & set({banned.split()!r})))"
    )

    result = subprocess.run(
        [sys.executable, "-I", "-S", "-c", f"import sys; sys.path[:0] = {sys.path!r}; {program}"],
        capture_output=True,
        text=True,
        check=True,
    )

    assert result.stdout.split() == []
