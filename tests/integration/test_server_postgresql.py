"""The server on PostgreSQL: the same API, several database threads."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from fairlead.testing.server import FairleadServer
from tests.support.postgresql import PostgresqlServer, find_programs

CALLERS = 16


@pytest.fixture(scope="module")
def postgresql() -> Iterator[PostgresqlServer]:
    programs = find_programs()
    if programs is None:
        pytest.skip("PostgreSQL is not installed (Debian: apt install postgresql)")
    server = PostgresqlServer(programs)
    server.start()
    yield server
    server.stop()


@pytest.fixture
def server(postgresql: PostgresqlServer, tmp_path: Path) -> Iterator[FairleadServer]:
    with FairleadServer(tmp_path / "state", database_url=postgresql.new_database_url()) as server:
        yield server


def test_callers_at_the_same_time_are_all_served(server: FairleadServer) -> None:
    iam = server.boto3_client("iam")
    names = [f"user-{number:02}" for number in range(CALLERS)]
    with ThreadPoolExecutor(CALLERS) as threads:
        list(threads.map(lambda name: iam.create_user(UserName=name), names))
    assert [user["UserName"] for user in iam.list_users()["Users"]] == ["admin", *names]


def test_one_of_many_equal_names_wins(server: FairleadServer) -> None:
    iam = server.boto3_client("iam")

    def create(_: int) -> bool:
        try:
            iam.create_user(UserName="ada")
        except iam.exceptions.EntityAlreadyExistsException:
            return False
        return True

    with ThreadPoolExecutor(CALLERS) as threads:
        assert sum(threads.map(create, range(CALLERS))) == 1


def test_a_restart_finds_everything(server: FairleadServer) -> None:
    server.boto3_client("iam").create_user(UserName="ada")
    server.stop()
    assert not (server.state_dir / "fairlead.db").exists()
    server.start()
    assert server.boto3_client("iam").get_user(UserName="ada")["User"]["UserName"] == "ada"


def test_a_database_that_does_not_answer_is_said_at_the_start(tmp_path: Path) -> None:
    from fairlead.server.errors import StartError

    url = f"postgresql://nobody@/none?host={tmp_path}"
    with pytest.raises(StartError, match="the database cannot be used"):
        FairleadServer(tmp_path / "state", database_url=url).start()
