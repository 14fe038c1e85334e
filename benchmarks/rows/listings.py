"""How long does the first page of a listing take, with 10,000 nodes and 100,000 sessions stored?

Every call that lists, without and with each of its filters, made in this process over a database of its own:
the use case and its statements, without HTTP and signature. The slowest of them counts, and is named.
"""

import time
from collections.abc import Iterator

from sqlalchemy import Engine

from benchmarks.bench import Bench
from benchmarks.figures import Figure, Row, at_most
from benchmarks.statistics import median
from benchmarks.stored import fill_database
from fairlead.store.engine import open_engine, sqlite_url
from tests.support.listings import CALLS, Listings
from tests.support.postgresql import PostgresqlServer, find_programs

GOAL = at_most(100)
NODES, ACTIVE, ENDED = 10_000, 1_000, 100_000
SQLITE, POSTGRESQL = "SQLite", "PostgreSQL"


def measure(bench: Bench) -> Iterator[Figure]:
    """On both databases."""
    engine = open_engine(sqlite_url(bench.directory / "listings.db"))
    yield _slowest(bench, engine, SQLITE)
    programs = find_programs()
    if programs is None:
        yield Figure.left_out(_name(POSTGRESQL), "no PostgreSQL: install postgresql", goal=GOAL)
        return
    server = PostgresqlServer(programs)
    server.start()
    try:
        yield _slowest(bench, open_engine(server.new_database_url()), POSTGRESQL)
    finally:
        server.stop()


def _slowest(bench: Bench, engine: Engine, database: str) -> Figure:
    bench.say(f"{database}: {NODES} nodes, {ACTIVE + ENDED} sessions")
    fill_database(engine, NODES, ACTIVE, ENDED)
    if database == POSTGRESQL:
        with engine.connect() as connection:
            connection.exec_driver_sql("ANALYZE")
            connection.commit()
    listings = Listings(engine)
    took = {}
    for number, (operation, members) in enumerate(CALLS):
        samples = [_timed_ms(listings, operation, members) for _ in range(bench.pick(full=5, quick=3) + 1)][
            1:
        ]
        took[number] = (median(samples), samples)
    engine.dispose()
    slowest = max(took, key=lambda number: took[number][0])
    operation, members = CALLS[slowest]
    return Figure.of_samples(
        _name(database),
        "ms",
        took[slowest][1],
        goal=GOAL,
        note=f"{operation} {members}, of {len(CALLS)} calls",
    )


def _timed_ms(listings: Listings, operation: str, members: dict[str, object]) -> float:
    began_at = time.perf_counter()
    listings.make(operation, members)
    return (time.perf_counter() - began_at) * 1e3


def _name(database: str) -> str:
    return f"{database}: the slowest first page"


ROW = Row(
    name="listings",
    title="Listing",
    question="How long does the slowest first page take, with 10,000 nodes and 100,000 sessions?",
    order=55,
    in_quick=False,
    measure=measure,
)
