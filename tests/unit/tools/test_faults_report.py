from tests.unit.tools.test_faults_checker import REASON, Story
from tools.faults.checker import check
from tools.faults.facts import facts_of
from tools.faults.plan import Kind
from tools.faults.report import MAX_SHOWN, lines


def report_of(story: Story) -> list[str]:
    facts = facts_of(sorted(story.events, key=lambda event: float(event["t"])))
    return list(lines(facts, check(facts)))


def row(report: list[str], name: str) -> list[str]:
    """The words behind the name at the beginning of a line."""
    (line,) = (line for line in report if line.startswith(f"{name} "))
    return line[len(name) :].split()


def test_faults_are_counted_by_kind_with_those_that_hit_and_those_within_another() -> None:
    story = Story()
    story.session(begin=1, end=9, progress=(2, 5))
    story.fault(1, Kind.SERVER_KILL, 3, 5)
    story.fault(2, Kind.CUT_RST, 4, 4)
    story.fault(3, Kind.CUT_RST, 9.5, 9.5)
    report = report_of(story)
    assert row(report, "server kill") == ["1", "1", "0"]
    assert row(report, "cut by RST") == ["2", "1", "1"]
    assert row(report, "all") == ["3", "2", "1"]


def test_sessions_are_counted_by_load() -> None:
    story = Story()
    story.fault(1, Kind.AGENT_KILL, 7, 9)
    story.session("upload-1", opened=4)
    story.session("upload-2", status=255, stderr=REASON + "x")
    story.session("upload-3", status=255, stderr=REASON + "x", opened=0, progress=(), described=None)
    assert row(report_of(story), "upload")[:5] == ["3", "1", "1", "1", "3"]


def test_a_rule_that_is_violated_is_shown_with_its_first_violations() -> None:
    story = Story()
    for number in range(MAX_SHOWN + 5):
        story.session(f"echo-{number}", described=None)
    report = report_of(story)
    at = report.index("VIOLATED  no session vanished")
    assert all("the server does not know it" in line for line in report[at + 1 : at + 1 + MAX_SHOWN])
    assert report[at + 1 + MAX_SHOWN].strip() == "and 5 more"
    assert "holds     no byte was lost" in report
