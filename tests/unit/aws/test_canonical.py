import hashlib

import pytest

from fairlead.aws.canonical import Request, canonical_request, decoded_pairs, normal_path

EMPTY_HASH = hashlib.sha256(b"").hexdigest()


def lines(request, signed=(), without=None):
    return canonical_request(request, signed, without).split(b"\n")


def test_the_documented_example_has_the_documented_form():
    # "Create a signed AWS API request" in the IAM User Guide, step 1.
    request = Request(
        "GET",
        "/",
        "Action=ListUsers&Version=2010-05-08",
        [
            ("Host", "iam.amazonaws.com"),
            ("Content-Type", "application/x-www-form-urlencoded; charset=utf-8"),
            ("X-Amz-Date", "20150830T123600Z"),
        ],
    )

    canonical = canonical_request(request, ("content-type", "host", "x-amz-date"))

    assert canonical == (
        b"GET\n"
        b"/\n"
        b"Action=ListUsers&Version=2010-05-08\n"
        b"content-type:application/x-www-form-urlencoded; charset=utf-8\n"
        b"host:iam.amazonaws.com\n"
        b"x-amz-date:20150830T123600Z\n"
        b"\n"
        b"content-type;host;x-amz-date\n"
        b"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    )
    assert hashlib.sha256(canonical).hexdigest() == (
        "f536975d06c0309214f805bb90ccff089219ecd68b2577efef23edd43b7e1a59"
    )


def test_a_request_from_the_wire_has_one_character_for_each_byte():
    request = Request.from_wire("PUT", b"/\xe4", b"b=\xff", [(b"X-\xfc", b"\x80 ")], b"\x00")

    assert (request.method, request.path, request.query) == ("PUT", "/\xe4", "b=\xff")
    assert (request.headers, request.body) == ((("X-\xfc", "\x80 "),), b"\x00")


def test_the_path_is_encoded_a_second_time_but_for_its_slashes():
    assert lines(Request("GET", "/a%2Fb/ü~c", "", []))[1] == b"/a%252Fb/%FC~c"


@pytest.mark.parametrize(
    ("path", "normal"),
    [
        ("", "/"),
        ("/", "/"),
        ("//", "/"),
        ("/a", "/a"),
        ("/a/", "/a/"),
        ("/a//b", "/a/b"),
        ("/./a/./b/.", "/a/b"),
        ("/a/../b", "/b"),
        ("/../a", "/a"),
        ("/a/..", "/"),
        ("/a/../", "/"),
        ("/a/%2e%2e/b", "/a/%2e%2e/b"),
        ("a/b", "a/b"),
    ],
)
def test_dot_segments_and_empty_segments_are_left_out_of_the_path(path, normal):
    assert normal_path(path) == normal


def test_query_arguments_are_sorted_by_their_encoded_names_and_then_values():
    assert lines(Request("GET", "/", "b=2&a=2&a=1&A=z&%7e=t", []))[2] == b"A=z&a=1&a=2&b=2&~=t"


@pytest.mark.parametrize(
    ("query", "canonical"),
    [
        ("", b""),
        ("a", b"a="),
        ("a=b=c", b"a=b%3Dc"),
        ("a=1+2", b"a=1%202"),
        ("a=%2f%2B", b"a=%2F%2B"),
        ("a=*%7E'", b"a=%2A~%27"),
        ("a=%zz%4", b"a=%25zz%254"),
        ("a=%", b"a=%25"),
        ("a=\xe4", b"a=%E4"),
        ("a&", b"=&a="),
    ],
)
def test_query_arguments_are_decoded_and_encoded_in_one_way(query, canonical):
    assert lines(Request("GET", "/", query, []))[2] == canonical


def test_the_argument_with_the_signature_can_be_left_out():
    request = Request("GET", "/", "X-Amz-Signature=00&a=1", [])

    assert lines(request, without="X-Amz-Signature")[2] == b"a=1"
    assert lines(request)[2] == b"X-Amz-Signature=00&a=1"


def test_decoded_pairs_keep_the_order_of_the_wire():
    assert decoded_pairs("b=%31&a=2") == [(b"b", b"1"), (b"a", b"2")]


def test_header_names_in_any_case_are_found_and_runs_of_blanks_become_one():
    request = Request("GET", "/", "", [("X-AMZ-Meta", "  a \t b  ")])

    assert lines(request, ("x-amz-meta",))[3] == b"x-amz-meta:a b"


def test_values_of_a_repeated_header_are_joined_in_wire_order():
    request = Request("GET", "/", "", [("Via", " b"), ("Host", "h"), ("via", "a ")])

    assert lines(request, ("via",))[3] == b"via:b,a"


def test_bytes_that_are_blanks_only_in_latin_1_stay_in_a_header():
    request = Request("GET", "/", "", [("X", "\xa0a\x85")])

    assert lines(request, ("x",))[3] == b"x:\xa0a\x85"


def test_the_body_is_hashed():
    assert lines(Request("POST", "/", "", [], b"abc"))[-1] == hashlib.sha256(b"abc").hexdigest().encode()
    assert lines(Request("POST", "/", "", []))[-1] == EMPTY_HASH.encode()


def test_text_that_no_wire_can_carry_is_an_error_of_the_caller():
    with pytest.raises(UnicodeEncodeError):
        canonical_request(Request("GET", "/☃", "", []), ())
