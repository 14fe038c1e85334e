"""`--oidc-file`."""

from pathlib import Path

import pytest

from fairlead.server.errors import StartError
from fairlead.server.oidc_settings import OidcIssuer, read_issuers
from tests.support.certificates import Authority

GOOD = '[[issuer]]\nurl = "https://login.example/a"\naudiences = ["fairlead"]\n'


def read(directory: Path, text: str) -> tuple[OidcIssuer, ...]:
    path = directory / "issuers.toml"
    path.write_text(text, encoding="utf-8")
    return read_issuers(path)


def test_an_issuer_needs_its_url_and_audiences(tmp_path: Path) -> None:
    (issuer,) = read(tmp_path, GOOD)
    assert issuer == OidcIssuer(url="https://login.example/a", audiences=frozenset({"fairlead"}))
    assert issuer.algorithms == ("RS256",)
    assert issuer.provider == "login.example/a"
    assert issuer.discovery_url == "https://login.example/a/.well-known/openid-configuration"


def test_several_issuers_each_with_its_own(tmp_path: Path) -> None:
    ca = tmp_path / "ca.pem"
    ca.write_bytes(Authority().pem)
    second = (
        '[[issuer]]\nurl = "https://b.example:8443/"\naudiences = ["x", "y"]\n'
        f'algorithms = ["ES256", "RS256"]\nca_file = "{ca}"\n'
    )
    _, issuer = read(tmp_path, GOOD + second)
    assert issuer.algorithms == ("ES256", "RS256")
    assert (issuer.provider, issuer.ca_file) == ("b.example:8443/", str(ca))
    assert issuer.discovery_url == "https://b.example:8443/.well-known/openid-configuration"


def test_plain_http_is_for_loopback_and_must_be_asked_for(tmp_path: Path) -> None:
    local = '[[issuer]]\nurl = "http://127.0.0.1:8080"\naudiences = ["x"]\n'
    with pytest.raises(StartError, match="insecure_http"):
        read(tmp_path, local)
    assert read(tmp_path, local + "insecure_http = true\n")[0].url == "http://127.0.0.1:8080"
    with pytest.raises(StartError, match="without TLS"):
        read(tmp_path, local.replace("127.0.0.1", "login.example") + "insecure_http = true\n")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "issuer"),
        ("issuer = 1", "issuer"),
        ("issuer = [1]", "table"),
        ("nonsense", "TOML"),
        (GOOD + "[more]\n", "nothing else"),
        (GOOD + 'algorithm = "RS256"\n', "unknown entry algorithm"),
        (GOOD + 'algorithms = ["none"]\n', "algorithm none"),
        (GOOD + 'algorithms = ["HS256"]\n', "algorithm HS256"),
        (GOOD + "algorithms = []\n", "algorithms"),
        (GOOD + "ca_file = 1\n", "ca_file"),
        (GOOD + 'ca_file = "/nonexistent/ca.pem"\n', "/nonexistent/ca.pem"),
        (GOOD.replace('["fairlead"]', '"fairlead"'), "audiences"),
        (GOOD.replace("audiences", "#"), "audiences"),
        (GOOD.replace("url", "#"), "url"),
        (GOOD.replace("https:", "ftp:"), "ftp:"),
        (GOOD.replace("/a", "/a?b=c"), "url"),
        (GOOD.replace("login.example", "eve@login.example"), "user name"),
        (GOOD + GOOD, "twice"),
        (GOOD * 33, "at most 32"),
    ],
)
def test_what_is_wrong_is_one_line(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(StartError, match=words) as caught:
        read(tmp_path, text)
    assert "issuers.toml" in str(caught.value)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(StartError, match="nowhere"):
        read_issuers(tmp_path / "nowhere")
