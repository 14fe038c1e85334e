"""Our signatures are botocore's, in both directions; nothing but our own errors comes out of the verifier."""

from urllib.parse import quote, urlsplit

import pytest
from botocore.auth import SigV4Auth, SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from hypothesis import assume, example, given
from hypothesis import strategies as st

from fairlead.aws import sigv4
from fairlead.aws.errors import AwsError, SignatureError

HOST = "fairlead.example:8443"
wire_text = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), max_size=12)
unicode_text = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
segments = unicode_text.map(lambda text: quote(text, safe="!$&'()*+,;=:@-._~"))
strange_segments = st.sampled_from(["", ".", "..", "...", "%2e%2e"])
names = st.text(st.sampled_from("abcdefghij-"), min_size=1, max_size=6)
moments = st.integers(0, 4_000_000_000)
secrets = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1, max_size=40)


def paths(segment):
    return st.lists(segment, max_size=4).map(lambda parts: "/" + "/".join(parts))


def is_normal(path):
    return not {"", ".", ".."} & set(path.split("/")[1:]) or path == "/"


@st.composite
def queries(draw):
    arguments = draw(st.dictionaries(unicode_text, unicode_text, max_size=4))
    return "&".join(
        f"{quote(name, safe='-_.~')}={quote(value, safe='-_.~')}" for name, value in arguments.items()
    )


@st.composite
def requests(draw, path):
    headers = draw(st.dictionaries(names.map("x-amz-meta-{}".format), wire_text, max_size=3))
    if draw(st.booleans()):
        headers["content-type"] = draw(wire_text)
    return sigv4.Request(
        draw(st.sampled_from(["GET", "POST", "PUT"])),
        draw(path),
        draw(queries()),
        [("Host", HOST), *headers.items()],
        draw(st.binary(max_size=40)),
    )


normal_requests = requests(paths(segments).filter(is_normal))
any_requests = requests(paths(segments | strange_segments))


@st.composite
def keys(draw):
    return sigv4.Credentials(
        draw(st.text(st.sampled_from("AKISZ0123"), min_size=1)),
        draw(secrets),
        draw(st.none() | st.text(st.sampled_from("abcXYZ019+/="), min_size=1, max_size=30)),
    )


scopes = st.tuples(
    st.sampled_from(["us-east-1", "eu-central-1"]), st.sampled_from(["ssm", "iam", "ssmmessages"])
)


def botocores(request, credentials, region, service, now, signer=SigV4Auth, **options):
    """The request as botocore signs it. Its own `add_auth` would look at the clock."""
    url = f"https://{HOST}{request.path}" + (f"?{request.query}" if request.query else "")
    headers = {name: value for name, value in request.headers if name != "Host"}
    theirs = AWSRequest(method=request.method, url=url, data=request.body, headers=headers)
    theirs.context["timestamp"] = sigv4.format_amz_date(now)
    auth = signer(
        Credentials(credentials.access_key_id, credentials.secret_access_key, credentials.session_token),
        service,
        region,
        **options,
    )
    auth._modify_request_before_signing(theirs)
    text = auth.string_to_sign(theirs, auth.canonical_request(theirs))
    auth._inject_signature_to_request(theirs, auth.signature(text, theirs))
    return theirs


@given(any_requests, keys(), scopes, moments)
def test_our_signature_is_the_one_that_botocore_makes(request, credentials, scope, now):
    region, service = scope

    ours = dict(sigv4.sign_with(credentials, request, region=region, service=service, now=now))
    theirs = botocores(request, credentials, region, service, now)

    assert ours == {name: theirs.headers[name] for name in ours}


@given(
    normal_requests,
    keys(),
    scopes,
    moments,
    st.dictionaries(names, wire_text, max_size=2),
    st.integers(-300, 300),
)
def test_we_accept_what_botocore_signs(request, credentials, scope, now, more_headers, age):
    region, service = scope
    widened = sigv4.Request(
        request.method, request.path, request.query, [*request.headers, *more_headers.items()], request.body
    )
    theirs = botocores(widened, credentials, region, service, now)
    received = sigv4.Request(
        request.method, request.path, request.query, [("Host", HOST), *theirs.headers.items()], request.body
    )

    signed = sigv4.parse(received)

    assert signed.access_key_id == credentials.access_key_id
    assert signed.session_token == credentials.session_token
    sigv4.check_scope(signed, service=service, regions={region})
    sigv4.verify_hmac(signed, credentials.secret_access_key, now + age)


@given(normal_requests, keys(), scopes, moments, st.integers(1, sigv4.MAX_EXPIRES_S))
def test_we_accept_urls_that_botocore_presigns(request, credentials, scope, now, expires):
    region, service = scope
    bare = sigv4.Request(request.method, request.path, request.query, [("Host", HOST)])
    theirs = botocores(bare, credentials, region, service, now, SigV4QueryAuth, expires=expires)
    url = urlsplit(theirs.url)

    signed = sigv4.parse(sigv4.Request(request.method, url.path, url.query, [("Host", HOST)]))

    assert signed.session_token == credentials.session_token
    assert signed.expires_s == expires
    sigv4.verify_hmac(signed, credentials.secret_access_key, now + expires)
    with pytest.raises(SignatureError):
        sigv4.verify_hmac(signed, credentials.secret_access_key, now + expires + 1)


@given(normal_requests, keys(), st.data())
def test_a_change_anywhere_in_what_is_signed_is_refused(request, credentials, data):
    now = 1795209769
    added = sigv4.sign_with(credentials, request, region="us-east-1", service="ssm", now=now)
    headers = [*request.headers, *added]
    parts = {"method": request.method, "path": request.path, "query": request.query, "body": request.body}

    part = data.draw(st.sampled_from(["method", "path", "query", "body", "header", "signature", "secret"]))
    secret = credentials.secret_access_key
    match part:
        case "method":
            parts["method"] = "DELETE"
        case "path":
            parts["path"] += "x"
        case "query":
            parts["query"] += "&zz=" if request.query else "zz="
        case "body":
            parts["body"] += b"x"
        case "secret":
            secret += "x"
        case "header":
            index = data.draw(st.integers(0, len(headers) - 2))
            name, value = headers[index]
            headers[index] = (name, value.strip() + "x")
        case "signature":
            name, value = headers[-1]
            headers[-1] = (name, value[:-1] + ("0" if value[-1] != "0" else "1"))
    changed = sigv4.Request(headers=headers, **parts)

    with pytest.raises(SignatureError):
        sigv4.verify_hmac(sigv4.parse(changed), secret, now)


@given(normal_requests, keys(), st.randoms(use_true_random=False))
def test_harmless_changes_on_the_way_are_accepted(request, credentials, random):
    now = 1795209769
    added = sigv4.sign_with(credentials, request, region="us-east-1", service="ssm", now=now)
    headers = [
        (random.choice([name.lower(), name.upper(), name]), f"  {value} ")
        for name, value in [*request.headers, *added, ("Via", "1.1 proxy")]
    ]
    random.shuffle(headers)
    arguments = request.query.split("&")
    random.shuffle(arguments)

    received = sigv4.Request(request.method, request.path, "&".join(arguments), headers, request.body)

    sigv4.verify_hmac(sigv4.parse(received), credentials.secret_access_key, now)


latin = st.text(st.characters(max_codepoint=0xFF), max_size=20)
fragments = st.sampled_from(
    [
        "AWS4-HMAC-SHA256", "Credential=", "SignedHeaders=", "Signature=",
        "AKIA/20261120/us-east-1/ssm/aws4_request",
        "host", "host;x-amz-date", ", ", " ", ";", "/", "=", "20261120T212249Z", "900", "\xe9",
    ]
)  # fmt: skip
pieces = st.lists(fragments | latin, max_size=10).map("".join)
likely_headers = st.sampled_from(
    ["Host", "Authorization", "X-Amz-Date", "X-Amz-Security-Token", "X-Amz-Content-Sha256", "Content-Type"]
)
likely_arguments = st.sampled_from(
    [
        "X-Amz-Algorithm",
        "X-Amz-Credential",
        "X-Amz-Date",
        "X-Amz-Expires",
        "X-Amz-SignedHeaders",
        "X-Amz-Signature",
    ]
)
WHOLE = "AWS4-HMAC-SHA256 Credential=AKIA/20261120/us-east-1/ssm/aws4_request, SignedHeaders={}, Signature=00"


@given(
    st.text(st.characters(max_codepoint=0xFF), max_size=5),
    latin,
    st.lists(st.tuples(likely_arguments | latin, pieces), max_size=7),
    st.lists(st.tuples(likely_headers | latin, pieces | fragments.map(WHOLE.format)), max_size=6),
    st.binary(max_size=10),
)
@example("GET", "", [], [("Authorization", WHOLE.format("host")), ("X-Amz-Date", "20261120T212249Z")], b"")
def test_whatever_arrives_only_our_own_errors_come_out(method, path, arguments, headers, body):
    query = "&".join(f"{name}={value}" for name, value in arguments)
    request = sigv4.Request(method, path, query, headers, body)
    with pytest.raises(AwsError) as caught:
        sigv4.verify_hmac(sigv4.parse(request), "secret", 1795209769)

    assert 0 < len(str(caught.value)) < 2000


@given(keys())
def test_credentials_never_show_their_secret(credentials):
    assume(credentials.secret_access_key not in f"<Credentials {credentials.access_key_id}>")

    assert credentials.secret_access_key not in repr(credentials)
