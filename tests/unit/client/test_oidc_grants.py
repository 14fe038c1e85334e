"""The grants, over a provider that answers from a list and a clock that only sleeps move."""

from hashlib import sha256
from urllib.parse import parse_qs, urlsplit

import pytest

from fairlead.client.oidc_grants import MAX_INTERVAL_S, refresh, sign_in_by_browser, sign_in_by_device
from fairlead.client.oidc_provider import GrantError, LoginError, Tokens
from fairlead.transport.errors import ConnectError

DEVICE = {
    "device_code": "device",
    "user_code": "ABCD\x1b[31m",
    "verification_uri": "https://login.example/enter",
    "interval": 2,
    "expires_in": 60,
}
DONE = Tokens("id", None)


class FakeProvider:
    issuer = "https://login.example"
    client_id = "fairlead"

    def __init__(self, *answers, device=DEVICE):
        self.device = device
        self.answers = list(answers)
        self.forms = []

    def required_endpoint(self, name):
        return f"https://login.example/{name}"

    def post(self, address, fields):
        return self.device

    def tokens(self, fields):
        self.forms.append(dict(fields))
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


class Terminal:
    def __init__(self):
        self.now_s = 0.0
        self.slept = []
        self.lines = []

    def sleep(self, seconds):
        self.slept.append(seconds)
        self.now_s += seconds

    def sign_in(self, provider):
        return sign_in_by_device(
            provider, "openid", tell=self.lines.append, clock=lambda: self.now_s, sleep=self.sleep
        )


def pending(code="authorization_pending"):
    return GrantError(code, code)


def test_a_device_code_is_shown_and_polled_for():
    terminal, provider = Terminal(), FakeProvider(pending(), pending(), DONE)
    assert terminal.sign_in(provider) is DONE
    assert terminal.lines == ["To sign in, open https://login.example/enter and enter the code ABCD [31m"]
    assert terminal.slept == [2, 2, 2]
    assert provider.forms[-1]["device_code"] == "device"


def test_polling_slows_down_when_asked_and_when_the_provider_is_away():
    terminal = Terminal()
    terminal.sign_in(FakeProvider(pending("slow_down"), ConnectError("away"), DONE))
    assert terminal.slept == [2, 7, 12]


def test_a_code_that_nobody_enters_expires():
    terminal = Terminal()
    with pytest.raises(LoginError, match="not entered in time"):
        terminal.sign_in(FakeProvider(*[pending()] * 40))
    assert len(terminal.slept) == 30


def test_a_refusal_ends_the_polling():
    with pytest.raises(GrantError, match="access_denied"):
        Terminal().sign_in(FakeProvider(pending("access_denied"), DONE))


@pytest.mark.parametrize("interval", [0, -1, "soon", None, True, float("nan")])
def test_an_interval_that_is_none_is_the_default(interval):
    terminal = Terminal()
    terminal.sign_in(FakeProvider(DONE, device={**DEVICE, "interval": interval}))
    assert terminal.slept == [5]


def test_an_interval_without_measure_is_cut():
    terminal = Terminal()
    terminal.sign_in(FakeProvider(DONE, device={**DEVICE, "interval": 10**400}))
    assert terminal.slept == [MAX_INTERVAL_S]


def test_an_answer_without_a_code_is_told():
    with pytest.raises(LoginError, match="no device code"):
        Terminal().sign_in(FakeProvider(device={"device_code": "x"}))


def browser(provider, answer):
    """Sign in with a browser that brings `answer` back; the parameters of the address it opened."""
    lines, states = [], []

    def wait(state):
        states.append(state)
        return answer

    tokens = sign_in_by_browser(
        provider,
        "openid",
        "http://127.0.0.1:4711/callback",
        wait,
        tell=lines.append,
        random=lambda count: bytes(range(count)),
    )
    query = parse_qs(urlsplit(lines[0].rpartition(" ")[2]).query, strict_parsing=True)
    assert query["state"] == states
    return tokens, {name: value for name, (value,) in query.items()}


def test_a_code_is_exchanged_with_the_verifier_of_its_challenge():
    provider = FakeProvider(DONE)
    tokens, query = browser(provider, {"code": "c"})
    assert tokens is DONE
    [form] = provider.forms
    digest = sha256(form["code_verifier"].encode()).digest()
    import base64

    assert query["code_challenge"] == base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
    assert (query["code_challenge_method"], form["code"]) == ("S256", "c")
    assert form["redirect_uri"] == query["redirect_uri"]
    assert len(form["code_verifier"]) >= 43


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ({"error": "access_denied"}, "access_denied"),
        ({"error": "x", "error_description": "not you"}, "not you"),
        ({}, "no code"),
        ({"code": "c", "iss": "https://evil.example"}, "another provider"),
    ],
)
def test_a_redirect_without_a_code_of_this_provider_is_refused(answer, words):
    provider = FakeProvider(DONE)
    with pytest.raises(LoginError, match=words):
        browser(provider, answer)
    assert provider.forms == []


def test_a_refresh_token_goes_on_unless_there_is_a_new_one():
    assert refresh(FakeProvider(Tokens("id", None)), "old").refresh_token == "old"
    assert refresh(FakeProvider(Tokens("id", "new")), "old").refresh_token == "new"
