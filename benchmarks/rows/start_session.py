"""How many sessions can be started in a second, by one server process?

Signed StartSession calls over TLS, by many users in one group with the policy of the documentation, to one
node that is connected. Its agent is halted meanwhile: what it would do for each session is its own row's
business, and would take the CPU that the callers need. Eight calls are under way at any time; each waits for
its answer. `kept` keeps its connections, `fresh` makes one for every call, as each ssh does. Every commit is
on the disk before it is answered.
"""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import boto3

from benchmarks.bench import Bench
from benchmarks.figures import Figure, Row, at_least
from benchmarks.usage import cpu_s
from tests.support.postgresql import PostgresqlServer, find_programs
from tools.stack import LocalStack

GOAL = at_least(300)
USERS = 40
"""Each has 100 calls at once, and 10 more a second."""
TIMEOUT_S = 300.0
SQLITE, POSTGRESQL = "SQLite", "PostgreSQL"
GROUP = "people"
POLICY = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Action": "ssm:StartSession",
            "Resource": [
                "arn:aws:ssm:*:*:managed-instance/*",
                "arn:aws:ssm:*:*:document/AWS-StartSSHSession",
            ],
        },
        {
            "Effect": "Allow",
            "Action": ["ssm:TerminateSession", "ssm:ResumeSession"],
            "Resource": "arn:aws:ssm:*:*:session/${aws:username}-*",
        },
    ],
}


def measure(bench: Bench) -> Iterator[Figure]:
    """On both databases."""
    calls = bench.pick(full=2000, quick=400)
    with bench.stack() as stack:
        yield from _rates(bench, stack, SQLITE, calls)
    programs = find_programs()
    if programs is None:
        yield Figure.left_out(POSTGRESQL, "no PostgreSQL: install postgresql", goal=GOAL)
        return
    postgresql = PostgresqlServer(programs)
    postgresql.start(durable=True)
    try:
        with bench.stack(["--database-url", postgresql.new_database_url()]) as stack:
            yield from _rates(bench, stack, POSTGRESQL, calls)
    finally:
        postgresql.stop()


def _rates(bench: Bench, stack: LocalStack, database: str, calls: int) -> Iterator[Figure]:
    server = stack.start_server()
    agent = stack.add_agent("target")
    keys = stack.directory / "keys.json"
    _make_users(stack, keys)
    os.kill(agent.child.pid, signal.SIGSTOP)
    try:
        for kind, options in (("kept", []), ("fresh", ["--fresh"])):
            before_s = cpu_s(server.pid)
            found = _load(stack, agent.node_id, keys, calls, options)
            cpu_ms = (cpu_s(server.pid) - before_s) / calls * 1000
            bench.say(f"  {database}, {kind}: {found}")
            yield Figure.of_value(f"{database}, {kind}", "/s", calls / found["elapsed_s"], goal=GOAL)
            yield Figure.of_value(f"{database}, {kind}: CPU of the server", "ms", cpu_ms)
            yield Figure.of_value(f"{database}, {kind}: p99", "ms", found["p99_ms"])
    finally:
        os.kill(agent.child.pid, signal.SIGCONT)


def _load(stack: LocalStack, node_id: str, keys: Path, calls: int, options: list[str]) -> dict[str, float]:
    command = [sys.executable, "-m", "benchmarks.load.start_session"]
    command += ["--endpoint", stack.env["AWS_ENDPOINT_URL"], "--ca", str(stack.server_state / "ca.pem")]
    command += ["--region", stack.env["AWS_REGION"], "--target", node_id, "--keys", str(keys)]
    command += ["--calls", str(calls), *options]
    done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_S)
    if done.returncode:
        raise RuntimeError(f"the callers failed: {done.stderr.strip()[-500:]}")
    found: dict[str, float] = json.loads(done.stdout)
    return found


def _make_users(stack: LocalStack, keys: Path) -> None:
    env = stack.env
    iam = boto3.client(
        "iam",
        endpoint_url=env["AWS_ENDPOINT_URL"],
        region_name=env["AWS_REGION"],
        aws_access_key_id=env["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=env["AWS_SECRET_ACCESS_KEY"],
        verify=env["AWS_CA_BUNDLE"],
    )
    iam.create_group(GroupName=GROUP)
    iam.put_group_policy(GroupName=GROUP, PolicyName="ssh", PolicyDocument=json.dumps(POLICY))
    made = []
    for number in range(USERS):
        name = f"user-{number}"
        iam.create_user(UserName=name)
        iam.add_user_to_group(UserName=name, GroupName=GROUP)
        key = iam.create_access_key(UserName=name)["AccessKey"]
        made.append([key["AccessKeyId"], key["SecretAccessKey"]])
    keys.write_text(json.dumps(made), encoding="utf-8")


ROW = Row(
    name="start_session",
    title="Starting sessions",
    question="How many sessions can be started in a second, by one server process?",
    order=50,
    measure=measure,
)
