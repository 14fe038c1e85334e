"""Every decoder takes any bytes or refuses them with an error of its own; and none is forgotten.

`tests/fuzz` has the list; `make fuzz` runs the same targets guided by coverage.
"""

import ast
import re
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fuzz.target import check
from tests.fuzz.targets import READ_ELSEWHERE, TARGETS
from tests.fuzz.tokens import TOKENS

SOURCES = Path(__file__).parents[2] / "src" / "fairlead"
DECODER_NAME = re.compile("(parse|decode)(_.*)?|peek_.*")

FINDINGS = [
    ("dates", b"Fri, 20 Nov 99999999999999999999 21:22:49 GMT"),
    ("api-answer", b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + b"[" * 100_000),
    ("plugin-call", b"[" * 100_000),
    ("service-answer", b'\x00{"TokenExpirationDate":1' + b"0" * 400 + b"}"),
    ("proxy", b"http://[\0]:1"),
    ("proxy", b"http://\xff:\xff@proxy:3128"),
    ("proxy", b"http://proxy\nx:" + b"1" * 5000 + b" 192.0.2.0/" + b"1" * 5000),
]
"""What was found once: never again."""


@cache
def seeds(name: str) -> list[bytes]:
    """The good inputs of a target."""
    return list(TARGETS[name].seeds())


@st.composite
def damaged(draw, good: list[bytes]) -> bytes:
    """A good input with a few pieces taken out, doubled, replaced or put in."""
    data = bytearray(draw(st.sampled_from(good)))
    for _ in range(draw(st.integers(0, 5))):
        start = draw(st.integers(0, len(data)))
        end = start + draw(st.integers(0, 12))
        piece = draw(st.sampled_from(TOKENS) | st.binary(max_size=8) | st.just(bytes(data[end : end + 40])))
        data[start:end] = piece
    return bytes(data)


@pytest.mark.parametrize("name", TARGETS)
@given(data=st.data())
def test_any_bytes_are_taken_or_refused(name: str, data: st.DataObject) -> None:
    target = TARGETS[name]
    check(target, data.draw(damaged(seeds(name)) | st.binary(max_size=200)))


@pytest.mark.parametrize("name", TARGETS)
def test_the_first_of_its_seeds_is_good_or_refused_for_a_reason(name: str) -> None:
    """A target whose seeds all fail at the first byte would fuzz nothing."""
    outcomes = {check(TARGETS[name], seed) for seed in seeds(name)}
    assert "" in outcomes or len(outcomes) > 1


@pytest.mark.parametrize(("name", "data"), FINDINGS)
def test_a_finding_stays_mended(name: str, data: bytes) -> None:
    check(TARGETS[name], data)


# -- no decoder is forgotten --


def decoders() -> set[str]:
    """Every function on the first level of a module with a decoder's name, as a target writes it."""
    return {function for function in functions() if DECODER_NAME.fullmatch(function.rpartition(":")[2])}


def functions() -> set[str]:
    """Every function on the first level of a module."""
    found = set()
    for path in SOURCES.rglob("*.py"):
        module = ".".join(path.relative_to(SOURCES).with_suffix("").parts)
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.FunctionDef):
                found.add(f"{module}:{node.name}")
    return found


def test_every_decoder_is_fed_by_a_target() -> None:
    fed = {function for target in TARGETS.values() for function in target.covers}
    assert decoders() - fed - set(READ_ELSEWHERE) == set(), "add it to tests/fuzz/targets.py"
    assert fed | set(READ_ELSEWHERE) <= functions(), "gone, or never there"
    assert not fed & set(READ_ELSEWHERE)


MALFORMED = (
    "MalformedMessage", "InvalidSnapshot", "FrameError", "PeerError", "UpgradeError", "MalformedAnswerError",
    "MalformedPolicy", "MalformedArn", "SerializationFailed", "IncompleteSignature",
    "InvalidHandover", "MalformedSignedData",
)  # fmt: skip
"""Errors that say: these bytes are not what they should be."""


def refusing_modules() -> set[str]:
    """Modules that raise one of them."""
    found = set()
    for path in SOURCES.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Raise) and node.exc is not None:
                raised = node.exc.func if isinstance(node.exc, ast.Call) else node.exc
                if isinstance(raised, ast.Name) and raised.id in MALFORMED:
                    found.add(".".join(path.relative_to(SOURCES).with_suffix("").parts))
    return found


REACHED_THROUGH = {
    "agent.service_client": "service-answer",
    "aws.arn": "arn",
    "aws.scalars": "json-body",
    "aws.sigv4": "signature",
    "policy.grammar": "identity-policy",
    "policy.strict_json": "identity-policy",
    "protocol.data_channel": "snapshot",
    "protocol.incoming": "data-channel",
    "protocol.receiving": "snapshot",
    "protocol.sending": "snapshot",
    "protocol.session_handshake": "data-channel",
    "transport.upgrade": "upgrade-answer",
}
"""Modules that refuse what a decoder of another module hands to them, and the target that gets there."""

TRANSLATES = {"agent.connector", "agent.restart"}
"""Modules that give errors of others (picows, ssl, the operating system) a name of ours."""


def test_every_module_that_refuses_input_is_reached_by_a_target() -> None:
    fed = {function.partition(":")[0] for target in TARGETS.values() for function in target.covers}
    assert refusing_modules() - fed - set(REACHED_THROUGH) - TRANSLATES == set(), (
        "add it to tests/fuzz/targets.py"
    )
    assert set(REACHED_THROUGH.values()) <= set(TARGETS)
    assert set(REACHED_THROUGH) <= refusing_modules()
