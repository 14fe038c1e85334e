import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import event

from fairlead.domain.callers import TemporaryCredentials
from fairlead.domain.resumption import ResumeChain
from fairlead.domain.scope import Scope
from fairlead.domain.sessions import (
    ACTIVE_STATUSES,
    ENDED_STATUSES,
    TRANSITIONS,
    ChannelSide,
    EndReason,
    SessionEnd,
    SessionQuery,
    SessionStatus,
)
from fairlead.store.engine import open_engine
from fairlead.store.migration import migrate
from fairlead.store.store import SqlStore
from tests.support.factories import NOW, SCOPE, a_session, a_token
from tests.support.sealer import XorSealer

LATER = NOW + timedelta(minutes=1)
END = SessionEnd(
    status=SessionStatus.TERMINATED,
    reason=EndReason.CLIENT_LEFT,
    details="bye",
    bytes_to_node=2**40,
    bytes_to_client=7,
)


def test_a_session_comes_back_as_it_was_stored(store: SqlStore) -> None:
    with store.transaction() as work:
        work.sessions.add(a_session(access_key_id="AKIA", user_agent="cli"))
    with store.read() as work:
        assert work.sessions.get(SCOPE, a_session().id) == a_session(access_key_id="AKIA", user_agent="cli")


def test_the_process_that_holds_a_session_is_kept_with_it_alone(store: SqlStore) -> None:
    other = a_session(id="bob-0123456789abcdefghijklmnop", agent_incarnation="i-1")
    with store.transaction() as work:
        work.sessions.add(a_session())
        work.sessions.add(other)
        work.sessions.set_agent_incarnation(a_session().id, "i-2")
    with store.read() as work:
        assert work.sessions.find(a_session().id) == a_session(agent_incarnation="i-2")
        assert work.sessions.find(other.id) == other


def test_a_session_of_another_region_is_not_found(store: SqlStore) -> None:
    with store.transaction() as work:
        work.sessions.add(a_session())
        assert work.sessions.get(Scope(SCOPE.account_id, "eu-west-1"), a_session().id) is None


def test_what_a_failed_transaction_wrote_is_gone(store: SqlStore) -> None:
    def fail_half_way() -> None:
        with store.transaction() as work:
            work.sessions.add(a_session())
            raise LookupError

    with pytest.raises(LookupError):
        fail_half_way()
    with store.read() as work:
        assert work.sessions.find(a_session().id) is None


@pytest.mark.parametrize("before", list(SessionStatus))
@pytest.mark.parametrize("after", list(SessionStatus))
def test_a_status_follows_only_where_the_table_of_transitions_allows_it(
    store: SqlStore, before: SessionStatus, after: SessionStatus
) -> None:
    with store.transaction() as work:
        work.sessions.add(a_session(status=before))
        moved = work.sessions.set_status(a_session().id, after)
        found = work.sessions.find(a_session().id)
    assert moved == (after in TRANSITIONS[before])
    assert found is not None
    assert found.status == (after if moved else before)


def test_an_end_is_recorded_once(store: SqlStore) -> None:
    with store.transaction() as work:
        work.sessions.add(a_session())
        assert work.sessions.set_end(a_session().id, END, LATER)
        assert not work.sessions.set_end(a_session().id, replace(END, details="again"), LATER)
        found = work.sessions.find(a_session().id)
    assert found is not None
    assert (found.status, found.end, found.ended_at) == (SessionStatus.TERMINATED, END, LATER)


def test_listing_pages_newest_first_without_loss_or_repetition(store: SqlStore) -> None:
    stored = [a_session(id=f"alice-{i:026}", started_at=NOW + timedelta(seconds=i // 2)) for i in range(7)]
    with store.transaction() as work:
        for session in stored:
            work.sessions.add(session)
        seen: list[str] = []
        query = SessionQuery(scope=SCOPE, statuses=ACTIVE_STATUSES, limit=3)
        while page := work.sessions.describe(query):
            seen += [session.id for session in page]
            query = replace(query, after_key=(page[-1].started_at, page[-1].id))
    assert seen == [session.id for session in reversed(stored)]


@pytest.mark.parametrize(
    "narrower",
    [
        {"target": "mi-0"},
        {"owner_arn": "arn:aws:iam::111122223333:user/bob"},
        {"session_id": "other"},
        {"started_after": NOW + timedelta(microseconds=1)},
        {"started_before": NOW},
        {"statuses": ENDED_STATUSES},
        {"scope": Scope("999999999999", "us-east-1")},
    ],
)
def test_a_filter_that_does_not_fit_hides_the_session(store: SqlStore, narrower: dict[str, object]) -> None:
    query = SessionQuery(scope=SCOPE, statuses=ACTIVE_STATUSES)
    with store.transaction() as work:
        work.sessions.add(a_session())
        assert len(work.sessions.describe(query)) == 1
        assert work.sessions.describe(replace(query, **narrower)) == []  # type: ignore[arg-type]  # by name


def test_history_is_listed_by_its_end_and_purged_by_its_age(store: SqlStore) -> None:
    query = SessionQuery(scope=SCOPE, statuses=ENDED_STATUSES)
    with store.transaction() as work:
        work.sessions.add(a_session())
        work.sessions.set_end(a_session().id, END, LATER)
        assert work.sessions.describe(replace(query, ended_after=LATER + timedelta(microseconds=1))) == []
        assert len(work.sessions.describe(replace(query, ended_after=LATER))) == 1
        assert work.sessions.purge_history(LATER) == 0
        assert work.sessions.purge_history(LATER + timedelta(seconds=1)) == 1
        assert work.sessions.describe(query) == []


def test_active_sessions_are_found_by_node(store: SqlStore) -> None:
    with store.transaction() as work:
        work.sessions.add(a_session())
        work.sessions.add(a_session(id="bob-1", target="mi-0fffffffffffffff0"))
        work.sessions.add(a_session(id="bob-2", status=SessionStatus.TERMINATED))
        assert [session.id for session in work.sessions.active_of_node(SCOPE, a_session().target)] == [
            a_session().id
        ]
        assert {session.id for session in work.sessions.active()} == {a_session().id, "bob-1"}


def test_a_token_is_taken_once(store: SqlStore) -> None:
    token = a_token(expires_at=LATER)
    with store.transaction() as work:
        work.sessions.add_token(token)
    with store.transaction() as work:
        assert work.sessions.take_token(token.digest, NOW) == token
        assert work.sessions.take_token(token.digest, NOW) is None


def test_an_expired_token_is_not_given_out_and_is_purged(store: SqlStore) -> None:
    with store.transaction() as work:
        work.sessions.add_token(a_token())
        assert work.sessions.take_token(a_token().digest, NOW) is None
        assert work.sessions.purge_tokens(NOW) == 1


def test_voiding_one_side_leaves_the_other_sides_token(store: SqlStore) -> None:
    agents = a_token(digest=b"\x03" * 32, side=ChannelSide.AGENT, expires_at=LATER)
    with store.transaction() as work:
        work.sessions.add_token(a_token(expires_at=LATER))
        work.sessions.add_token(agents)
        work.sessions.void_tokens(agents.channel_id, ChannelSide.CLIENT)
        assert work.sessions.take_token(a_token().digest, NOW) is None
        work.sessions.void_tokens(agents.channel_id)
        assert work.sessions.take_token(agents.digest, NOW) is None


def test_final_byte_counts_reach_only_a_session_that_is_over(store: SqlStore) -> None:
    with store.transaction() as work:
        work.sessions.add(a_session())
        work.sessions.set_traffic(a_session().id, 5, 7)
        work.sessions.set_end(a_session().id, END, NOW)
        before = work.sessions.find(a_session().id)
        work.sessions.set_traffic(a_session().id, 5, 7)
        after = work.sessions.find(a_session().id)
    assert before is not None
    assert before.end == END
    assert after is not None
    assert after.end is not None
    assert (after.end.bytes_to_node, after.end.bytes_to_client) == (5, 7)


def test_the_chain_of_resume_secrets_is_kept_replaced_and_forgotten(store: SqlStore) -> None:
    first = ResumeChain(current=b"\x01" * 32)
    session_id = a_session().id
    with store.transaction() as work:
        work.sessions.add(a_session())
        assert work.sessions.resume_chain(session_id) is None
        for chain in (first, first.moved(b"\x02" * 32, NOW), None):
            work.sessions.set_resume_chain(session_id, chain)
            assert work.sessions.resume_chain(session_id) == chain
        assert work.sessions.resume_chain("alice-x") is None


@pytest.mark.parametrize("database_url", ["sqlite-file", "postgresql"], indirect=True)
def test_who_gets_a_session_to_change_has_it_alone(store: SqlStore) -> None:
    with store.transaction() as work:
        work.sessions.add(a_session())

    def count_up(_number: int) -> None:
        with store.transaction() as work:
            work.sessions.find(a_session().id, to_change=True)
            chain = work.sessions.resume_chain(a_session().id)
            count = 0 if chain is None else chain.current[0]
            time.sleep(0.001)  # the others come now
            work.sessions.set_resume_chain(a_session().id, ResumeChain(current=bytes([count + 1])))

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(count_up, range(20)))
    with store.read() as work:
        assert work.sessions.resume_chain(a_session().id) == ResumeChain(current=bytes([20]))


def test_no_listing_goes_through_sessions_of_the_other_kind() -> None:
    engine = open_engine("sqlite://")
    migrate(engine)
    statements: list[tuple[str, Any]] = []  # Any: parameters as the driver takes them
    event.listen(engine, "before_cursor_execute", lambda *call: statements.append((call[2], call[3])))
    with SqlStore(engine, XorSealer()).read() as uow:
        for statuses in (ACTIVE_STATUSES, ENDED_STATUSES):
            uow.sessions.describe(SessionQuery(scope=SCOPE, statuses=statuses))
            uow.sessions.describe(SessionQuery(scope=SCOPE, statuses=statuses, target="mi-1"))
        uow.sessions.active_of_node(SCOPE, "mi-1")
        uow.sessions.active()
    queries = [(text, parameters) for text, parameters in statements if text.startswith("SELECT")]
    assert len(queries) == 6
    with engine.connect() as connection:
        for text, parameters in queries:
            plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {text}", parameters).all()
            assert "is_active=?" in plan[0].detail
            assert ("target=?" in plan[0].detail) == ("target =" in text)


def test_active_sessions_of_every_region_are_paged_oldest_first(store: SqlStore) -> None:
    elsewhere = Scope(SCOPE.account_id, "eu-central-1")
    moments = [NOW, NOW, NOW + timedelta(seconds=1)]
    ids = [f"al-{number}" for number in range(3)]
    with store.transaction() as work:
        assert work.sessions.count_active() == 0
        for id_, moment in zip(reversed(ids), reversed(moments), strict=True):
            work.sessions.add(
                a_session(id=id_, started_at=moment, scope=elsewhere if id_ == "al-1" else SCOPE)
            )
        work.sessions.add(a_session(id="al-over"))
        work.sessions.set_end(
            "al-over", SessionEnd(status=SessionStatus.FAILED, reason=EndReason.IDLE_TIMEOUT), NOW
        )
        assert work.sessions.count_active() == 3
        found: list[str] = []
        position = None
        while page := work.sessions.active_page(position, 1):
            found.append(page[0].id)
            position = (page[0].started_at, page[0].id)
    assert found == ids


def test_what_the_owners_credentials_said_is_kept(store: SqlStore) -> None:
    said = TemporaryCredentials(
        issued_at=NOW, mfa_at=NOW, policies=("{}",), policy_arns=("arn",), tags=(("a", "b"),)
    )
    with store.transaction() as work:
        work.sessions.add(a_session(owner_credentials=said))
        assert work.sessions.find(a_session().id) == a_session(owner_credentials=said)


def test_the_active_sessions_of_a_user_are_his_own_and_those_of_his_roles(store: SqlStore) -> None:
    mine = a_session().owner_id
    role = "AROAEXAMPLEDEPLOY0001:nightly"
    in_role = TemporaryCredentials(issued_at=NOW, user_id=mine)
    of_another = TemporaryCredentials(issued_at=NOW, user_id="AIDABOB")
    of_nobody = TemporaryCredentials(issued_at=NOW)
    with store.transaction() as work:
        work.sessions.add(a_session(id="alice-own"))
        work.sessions.add(a_session(id="alice-over"))
        work.sessions.add(a_session(id="in-role", owner_id=role, owner_credentials=in_role))
        work.sessions.add(a_session(id="bobs", owner_id=role, owner_credentials=of_another))
        work.sessions.add(a_session(id="federated", owner_id=role, owner_credentials=of_nobody))
        work.sessions.set_end("alice-over", END, LATER)
        assert {session.id for session in work.sessions.active_of_user(mine)} == {"alice-own", "in-role"}
