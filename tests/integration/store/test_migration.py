import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import text

from fairlead.domain.nodes import NodeQuery
from fairlead.store.engine import DatabaseUnusable, open_engine, sqlite_url, writing
from fairlead.store.migration import _config, migrate, newest_revision
from fairlead.store.store import SqlStore
from fairlead.store.tables import metadata
from fairlead.transparency import canonical_json
from tests.support.factories import SCOPE
from tests.support.sealer import XorSealer


def test_the_migrations_make_exactly_the_tables_that_the_code_uses(store: SqlStore) -> None:
    with store._engine.connect() as connection:
        context = MigrationContext.configure(connection)
        assert context.get_current_revision() is not None
        assert compare_metadata(context, metadata) == []


def test_the_newest_revision_is_the_head_of_the_migrations(store: SqlStore) -> None:
    with store._engine.connect() as connection:
        assert MigrationContext.configure(connection).get_current_revision() == newest_revision()


def test_a_database_that_is_up_to_date_is_known_without_alembic(tmp_path: Path) -> None:
    url = sqlite_url(tmp_path / "fairlead.db").render_as_string()
    migrate(open_engine(url))
    program = (
        "import sys; from fairlead.store.engine import open_engine;"
        "from fairlead.store.migration import migrate;"
        f"migrate(open_engine({url!r})); print('alembic' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True, text=True)
    assert done.stdout == "False\n"


def test_migrating_twice_changes_nothing(store: SqlStore) -> None:
    migrate(store._engine)


@pytest.mark.parametrize("database_url", ["sqlite-file", "postgresql"], indirect=True)
def test_servers_that_start_together_migrate_one_after_the_other(database_url: str) -> None:
    engines = [open_engine(database_url) for _ in range(4)]
    with ThreadPoolExecutor(4) as servers:
        list(servers.map(migrate, engines))
    for engine in engines:
        engine.dispose()


def test_a_database_that_a_later_version_has_migrated_is_refused(store: SqlStore) -> None:
    with store._engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(DatabaseUnusable, match=r"9999.*start the version of Fairlead that used it last"):
        migrate(store._engine)


def test_tags_from_before_they_were_searched_are_found_afterwards(database_url: str) -> None:
    engine = open_engine(database_url)
    with writing(engine) as connection:
        command.upgrade(_config(connection), "0007")
        connection.execute(
            text(
                "INSERT INTO nodes (id, account_id, region, activation_id, iam_role, public_key, fingerprint,"
                " registered_at, agent_name, agent_version, platform_type, platform_name, platform_version,"
                " ip_address, computer_name, tags)"
                " VALUES (:id, :account_id, :region, 'a', 'r', :key, 'f',"
                " 0, '', '', '', '', '', '', '', :tags)"
            ),
            {
                "id": "mi-1",
                "account_id": SCOPE.account_id,
                "region": SCOPE.region,
                "key": b"",
                "tags": '{"Env": "Dev"}',
            },
        )
    migrate(engine)
    with SqlStore(engine, XorSealer()).read() as work:
        (found,) = work.nodes.describe(NodeQuery(scope=SCOPE, tags={"Env": ["Dev"]}))
    assert (found.id, found.tags, found.twins) == ("mi-1", (("Env", "Dev"),), None)
    engine.dispose()


def test_audit_records_from_before_the_log_are_events_afterwards(database_url: str) -> None:
    engine = open_engine(database_url)
    record = {
        "id": "id-1",
        "at": 1_793_534_400_000_001,
        "account": SCOPE.account_id,
        "region": SCOPE.region,
        "source": "ssm.amazonaws.com",
        "name": "StartSession",
        "arn": "arn:aws:iam::111122223333:user/alice",
        "code": "ValidationFailed",
        "parameters": json.dumps({"target": "mi-\u00e9\ud800"}),
        "decision": json.dumps({"decisions": []}),
        "no": False,
    }
    with writing(engine) as connection:
        command.upgrade(_config(connection), "0010")
        statement = text(
            "INSERT INTO audit_records (id, at, account_id, region, event_source, event_name, principal_arn,"
            " principal_id, user_name, access_key_id, source_address, user_agent, request_id, is_read_only,"
            " request_parameters, error_code, error_message, decision)"
            " VALUES (:id, :at, :account, :region, :source, :name, :arn,"
            " 'AIDA1', 'alice', 'AKIA1', '192.0.2.7', 'aws-cli', '', :no,"
            " :parameters, :code, 'no', :decision)"
        )
        server = {"arn": "server", "source": "fairlead.security", "code": None, "name": "Started"}
        query = {"source": "iam.amazonaws.com", "arn": "arn:aws:sts::1:assumed-role/r/alice"}
        connection.execute(
            statement, [record, record | server | {"id": "id-2"}, record | query | {"id": "id-3"}]
        )
    migrate(engine)
    with SqlStore(engine, XorSealer()).read() as work:
        texts = [event.text for event in work.audit.pending(10)]
    first, second, third = map(json.loads, texts)
    assert first == {
        "eventVersion": "1.08",
        "userIdentity": {
            "type": "IAMUser",
            "principalId": "AIDA1",
            "arn": "arn:aws:iam::111122223333:user/alice",
            "accountId": SCOPE.account_id,
            "accessKeyId": "AKIA1",
            "userName": "alice",
        },
        "eventTime": "2026-11-01T12:00:00Z",
        "eventSource": "ssm.amazonaws.com",
        "eventName": "StartSession",
        "awsRegion": SCOPE.region,
        "sourceIPAddress": "192.0.2.7",
        "userAgent": "aws-cli",
        "errorCode": "ValidationException",
        "errorMessage": "no",
        "requestParameters": {"target": "mi-\u00e9\ufffd"},
        "additionalEventData": {"decisions": []},
        "eventID": "id-1",
        "readOnly": False,
        "eventType": "AwsApiCall",
        "managementEvent": True,
        "recipientAccountId": SCOPE.account_id,
        "eventCategory": "Management",
    }
    assert second["userIdentity"] == {"type": "AWSService", "invokedBy": "server"}
    assert "serviceEventDetails" in second
    assert (third["userIdentity"]["type"], third["errorCode"]) == ("AssumedRole", "ValidationError")
    assert [canonical_json.encode(json.loads(each)) for each in texts] == texts
    engine.dispose()


def test_a_database_of_another_kind_is_refused_by_name() -> None:
    with pytest.raises(DatabaseUnusable, match="mysql"):
        open_engine("mysql://localhost/fairlead")
