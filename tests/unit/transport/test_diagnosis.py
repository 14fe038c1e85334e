"""Which hop is named, what is not tried behind it, and how the lines read."""

import pytest

from fairlead.transport.diagnosis import Broken, Check, Diagnosis, NotKnown, State, diagnose, split_remedy
from fairlead.transport.errors import ConnectError


def fails(error: Exception) -> "Check":
    def run() -> str:
        raise error

    return Check("hop", run)


def diagnosed(*checks: Check, failures: tuple[type[Exception], ...] = ()) -> Diagnosis:
    times = iter(range(1000))
    return diagnose(checks, failures, clock=lambda: next(times) / 1000)


def well(hop: str, *, stands_alone: bool = False) -> Check:
    return Check(hop, lambda: f"{hop} found", stands_alone)


def test_when_all_is_well_the_first_line_says_how_long_each_took() -> None:
    diagnosis = diagnosed(well("name"), well("TLS"))
    assert diagnosis.broken is None
    assert diagnosis.lines() == [
        "everything works (name 1 ms, TLS 1 ms)",
        "  ok          name            name found  (1 ms)",
        "  ok          TLS             TLS found  (1 ms)",
    ]


def test_the_first_broken_hop_is_the_verdict_and_what_is_behind_it_is_not_tried() -> None:
    broken = Check("TLS", fails(Broken("expired", "renew it")).run)
    diagnosis = diagnosed(well("name"), broken, well("clock"), well("disk", stands_alone=True))
    assert diagnosis.lines()[0] == "broken: TLS: expired; renew it"
    assert [each.state for each in diagnosis.findings] == [
        State.OK,
        State.BROKEN,
        State.NOT_REACHED,
        State.OK,
    ]
    assert diagnosis.lines()[3] == "  not reached clock"


def test_a_later_break_does_not_take_the_place_of_the_first() -> None:
    first, second = (
        Check("a", fails(Broken("one")).run),
        Check("b", fails(Broken("two")).run, stands_alone=True),
    )
    assert diagnosed(first, second).verdict() == "broken: a: one"


def test_a_check_that_stands_alone_stops_those_behind_it_as_well() -> None:
    alone = Check("agent", fails(Broken("not running")).run, stands_alone=True)
    assert [each.state for each in diagnosed(alone, well("channel")).findings] == [
        State.BROKEN,
        State.NOT_REACHED,
    ]


def test_what_cannot_be_told_breaks_nothing_and_is_said() -> None:
    diagnosis = diagnosed(well("name"), fails(NotKnown("no right to ask")))
    assert diagnosis.broken is None
    assert diagnosis.verdict() == "nothing is broken (name 1 ms); not known: hop"


def test_what_cannot_be_told_can_bar_the_way_to_what_is_behind_it() -> None:
    diagnosis = diagnosed(fails(NotKnown("no address", bars_the_way=True)), well("TLS"))
    assert diagnosis.broken is None
    assert diagnosis.findings[1].state is State.NOT_REACHED


def test_errors_of_a_package_are_findings_and_faults_of_ours_are_raised() -> None:
    verdict = diagnosed(fails(KeyError("x; y")), failures=(KeyError,)).findings[0]
    assert verdict.state is State.BROKEN
    with pytest.raises(KeyError):
        diagnosed(fails(KeyError("x")))


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (
            ConnectError("cannot connect: refused; is it running?"),
            ("cannot connect: refused", "is it running?"),
        ),
        (ConnectError("a; b; c"), ("a; b", "c")),
        (ConnectError("no remedy"), ("no remedy", "")),
        (PermissionError(13, "Permission denied", "/x"), ("/x: Permission denied", "")),
        (OSError("odd"), ("odd", "")),
    ],
)
def test_the_remedy_of_a_text_is_behind_its_last_semicolon(
    error: Exception, expected: tuple[str, str]
) -> None:
    assert split_remedy(error) == expected


def test_text_of_others_cannot_break_out_of_its_line() -> None:
    lines = diagnosed(fails(Broken("evil\x1b[2J\nok", "do\rthis"))).lines()
    assert lines[0] == "broken: hop: evil [2J ok; do this"
    assert all(line.isprintable() for line in lines)


def test_the_same_as_json() -> None:
    members = diagnosed(well("name"), fails(Broken("one", "two"))).members()
    assert members == {
        "Verdict": "broken: hop: one; two",
        "BrokenHop": "hop",
        "Checks": [
            {"Hop": "name", "State": "ok", "Text": "name found", "Remedy": None, "Seconds": 0.001},
            {"Hop": "hop", "State": "broken", "Text": "one", "Remedy": "two", "Seconds": 0.001},
        ],
    }
