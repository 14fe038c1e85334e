"""What do policies cost a request?

Questions answered: how long does the evaluation of one request take over 1,000 statements (10 policies of 100
each), and how much longer does StartSession take for a user in 10 groups with 100 policies than for a user
with one, with the store in SQLite?

    python -m benchmarks.policy [--requests 200]

CPU time of this process, medians: other work on the machine changes that less than the time on the wall.
Writes `benchmarks/results/policy.json` and `policy.md`.
"""

import argparse
import json
import os
import platform
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from fairlead._version import __version__
from fairlead.control.sealing import Sealer
from fairlead.domain.callers import Caller
from fairlead.domain.groups import Group
from fairlead.domain.managed_policies import ManagedPolicy
from fairlead.policy.decision import AttachedPolicy, Attachment, Question
from fairlead.policy.evaluation import evaluate
from fairlead.policy.parser import parse_identity_policy
from fairlead.store.engine import open_engine, sqlite_url
from fairlead.store.migration import migrate
from fairlead.store.store import SqlStore
from tests.support.control_world import NODE_ID, World

RESULTS = Path(__file__).parent / "results"
POLICIES, STATEMENTS_EACH = 10, 100
GROUPS, POLICIES_OF_GROUP = 10, 10
ACCOUNT = "111122223333"
SSH = "arn:aws:ssm:us-east-1::document/AWS-StartSSHSession"
NODE = f"arn:aws:ssm:us-east-1:{ACCOUNT}:managed-instance/{NODE_ID}"
CONTEXT = {"aws:username": "alice", "aws:SourceIp": "192.0.2.7", "ssm:resourceTag/team": "a"}
ALLOW_SSH = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": "ssm:StartSession", "Resource": [NODE, SSH]}],
    }
)

Results = dict[str, dict[str, object]]


def mixed_statement(number: int) -> dict[str, object]:
    """One of five kinds: other services, other nodes, tags, own sessions, a Deny by address."""
    kinds: tuple[dict[str, object], ...] = (
        {"Effect": "Allow", "Action": ["s3:Get*", "s3:List*"], "Resource": f"arn:aws:s3:::bucket-{number}/*"},
        {
            "Effect": "Allow",
            "Action": "ssm:StartSession",
            "Resource": [f"arn:aws:ec2:*:*:instance/i-{number:017x}", "arn:aws:ssm:*:*:document/AWS-*"],
        },
        {
            "Effect": "Allow",
            "Action": "ssm:*",
            "Resource": "*",
            "Condition": {"StringLike": {"ssm:resourceTag/team": [f"team-{number}-*"]}},
        },
        {
            "Effect": "Allow",
            "Action": ["ssm:TerminateSession", "ssm:ResumeSession"],
            "Resource": "arn:aws:ssm:*:*:session/${aws:username}-*",
        },
        {
            "Effect": "Deny",
            "Action": "*",
            "Resource": "*",
            "Condition": {"IpAddress": {"aws:SourceIp": f"198.51.100.{number % 256}"}},
        },
    )
    return kinds[number % len(kinds)]


def document_of(statement: Callable[[int], dict[str, object]], first: int, count: int) -> str:
    """A policy of `count` statements."""
    statements = [statement(number) for number in range(first, first + count)]
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


def one_thousand_statements(requests: int) -> dict[str, object]:
    """Milliseconds of CPU for one request about a node and a document."""
    question = Question("arn", "ssm:StartSession", (NODE, SSH), CONTEXT)
    measured: dict[str, object] = {}
    for name, statement in (
        ("mixed", mixed_statement),
        ("all about the request", lambda number: mixed_statement(5 * number + 2)),
    ):
        texts = [
            document_of(statement, first, STATEMENTS_EACH)
            for first in range(0, POLICIES * STATEMENTS_EACH, STATEMENTS_EACH)
        ]
        policies = [
            AttachedPolicy(parse_identity_policy(text), "p", Attachment.USER_MANAGED, "alice")
            for text in texts
        ]
        measured[name] = cpu_ms(partial(evaluate, question, policies), requests)
    return measured


def start_session(requests: int) -> dict[str, object]:
    """Milliseconds of CPU for one StartSession."""
    with tempfile.TemporaryDirectory(prefix="fairlead-bench-") as directory:
        engine = open_engine(sqlite_url(Path(directory) / "fairlead.db"))
        migrate(engine)
        world = World(SqlStore(engine, Sealer(bytes(32), os.urandom)))
        world.random_bytes = os.urandom  # type: ignore[method-assign, assignment]
        world.role()
        world.node()
        few = world.user("alice", ALLOW_SSH)
        many = world.user("bob", ALLOW_SSH)
        join_groups(world, many)
        measured = {
            name: cpu_ms(partial(start_one, world, caller), requests)
            for name, caller in (("one policy", few), ("10 groups with 100 policies", many))
        }
        engine.dispose()
    one, hundred = measured.values()
    return {**measured, "difference": round(hundred - one, 2)}


def join_groups(world: World, caller: Caller) -> None:
    """Ten groups with ten managed policies each, of five statements."""
    with world.store.transaction() as uow:
        for group_number in range(GROUPS):
            group = Group(
                id=f"AGPA{group_number:017}",
                account_id=ACCOUNT,
                name=f"group-{group_number}",
                path="/",
                created_at=world.now,
            )
            uow.groups.add(group)
            uow.groups.add_member(group.id, caller.principal_id)
            for policy_number in range(POLICIES_OF_GROUP):
                number = group_number * POLICIES_OF_GROUP + policy_number
                policy = ManagedPolicy(
                    id=f"ANPA{number:017}",
                    account_id=ACCOUNT,
                    name=f"policy-{number}",
                    path="/",
                    default_version=1,
                    created_at=world.now,
                    updated_at=world.now,
                )
                uow.managed_policies.add(policy, document_of(mixed_statement, 5 * number, 5))
                uow.managed_policies.attach(group.id, policy.arn)


def start_one(world: World, caller: Caller) -> None:
    """A minute after the last one, so that nobody is too fast."""
    world.advance(minutes=1)
    world.start(caller)


def cpu_ms(work: Callable[[], object], times: int) -> float:
    """The median, without the first tenth."""
    taken = []
    for _ in range(times + times // 10):
        started = time.process_time()
        work()
        taken.append(time.process_time() - started)
    return round(1000 * statistics.median(taken[times // 10 :]), 2)


def conditions(requests: int) -> dict[str, object]:
    """Where and when."""
    return {
        "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "fairlead": __version__,
        "machine": f"{platform.machine()}, {os.cpu_count()} processors, {platform.system()}",
        "python": platform.python_version(),
        "requests": requests,
        "load average": round(os.getloadavg()[0], 1),
    }


def as_markdown(result: Results) -> str:
    """The figures as a table per group."""
    lines = ["# What policies cost a request", ""]
    for group, values in result.items():
        lines += [f"## {group}", "", "| | |", "|---|---|"]
        lines += [f"| {name} | {value} |" for name, value in values.items()]
        lines.append("")
    return "\n".join(lines)


def main() -> int:
    """Measure and write the results."""
    parser = argparse.ArgumentParser(description="what policies cost a request")
    parser.add_argument("--requests", type=int, default=200)
    parser.add_argument("--output", type=Path, default=RESULTS, help="directory of the results")
    options = parser.parse_args()
    result: Results = {
        "conditions": conditions(options.requests),
        "1,000 statements, CPU ms for a request (goal: under 5)": one_thousand_statements(options.requests),
        "StartSession on SQLite, CPU ms (goal: a difference under 10)": start_session(options.requests),
    }
    text = as_markdown(result)
    options.output.mkdir(parents=True, exist_ok=True)
    (options.output / "policy.json").write_text(json.dumps(result, indent=2) + "\n")
    (options.output / "policy.md").write_text(text)
    print(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
