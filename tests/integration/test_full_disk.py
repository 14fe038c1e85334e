"""A disk of 20 MB that is full: no session starts, and whoever sets it right can."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from fairlead.server.disk_reserve import RESERVE_BYTES
from fairlead.testing.calls import CallFailed
from fairlead.testing.server import FairleadServer

POLICY = '{"Version":"2012-10-17","Statement":{"Effect":"Deny","Action":"*","Resource":"*"}}'
SSH = {"DocumentName": "AWS-StartSSHSession"}


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system in memory of 20 MB."""
    if os.geteuid() != 0 or shutil.which("mount") is None:
        pytest.skip("mounting a file system of 20 MB needs root")
    path = tmp_path / "state"
    path.mkdir(mode=0o700)
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=20m,mode=700", "tmpfs", str(path)],
        capture_output=True,
        text=True,
    )
    if mounted.returncode:
        pytest.skip(f"a file system of 20 MB cannot be mounted here: {mounted.stderr.strip()}")
    yield path
    subprocess.run(["umount", "--lazy", str(path)], check=True)


def fill(path: Path) -> None:
    """Leave nothing of what is free now. At once: what the server gives up meanwhile is for its own use."""
    with path.open("wb") as file:
        while True:
            room = os.statvfs(path.parent)
            try:
                os.posix_fallocate(file.fileno(), 0, room.f_bavail * room.f_frsize)
            except OSError:
                continue  # somebody has taken of it in between
            return


def test_no_session_starts_and_administration_and_the_end_of_sessions_still_work(small_disk: Path) -> None:
    with FairleadServer(small_disk) as server:
        node = server.start_agent("small").node_id
        started = server.call_ssm("StartSession", {"Target": node, **SSH})["SessionId"]
        ballast = small_disk / "ballast"
        fill(ballast)
        for _ in range(3):
            with pytest.raises(
                CallFailed, match=r"StorageFull.*The server's disk is full: no session is started"
            ):
                server.call_ssm("StartSession", {"Target": node, **SSH})
        assert (small_disk / "reserve").stat().st_size == 0

        iam = server.boto3_client("iam")
        for number in range(20):
            iam.create_user(UserName=f"user-{number}")
        iam.put_user_policy(UserName="user-1", PolicyName="p", PolicyDocument=POLICY)
        iam.delete_user(UserName="user-19")
        assert server.call_ssm("TerminateSession", {"SessionId": started}) == {"SessionId": started}
        assert server.call_ssm("DescribeSessions", {"State": "Active"})["Sessions"] == []
        trail = server.boto3_client("cloudtrail")
        wanted = [{"AttributeKey": "EventName", "AttributeValue": "TerminateSession"}]
        assert len(trail.lookup_events(LookupAttributes=wanted)["Events"]) == 1

        ballast.unlink()
        assert server.call_ssm("StartSession", {"Target": node, **SSH})["SessionId"]
        assert (small_disk / "reserve").stat().st_size == RESERVE_BYTES
