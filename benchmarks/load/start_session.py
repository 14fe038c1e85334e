"""StartSession, over and over, by many users, as fast as one server answers.

    python -m benchmarks.load.start_session --endpoint URL --ca FILE --region R --target NODE --keys FILE
                                            --calls N [--connections 8] [--fresh]

FILE holds a JSON list of [access key id, secret access key]; the calls take turns between them, because each
user has a rate of his own. With `--fresh` every call has a TLS connection of its own, as the calls of command
line programs have; else each of the connections is kept open. Every call is signed by itself. Writes one JSON
object: {"calls": N, "elapsed_s": …, "median_ms": …, "p99_ms": …}.
"""

import argparse
import itertools
import json
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.statistics import median, quantile
from fairlead.aws.sigv4 import Credentials
from fairlead.client.api_calls import SessionApi
from fairlead.client.credentials import CredentialSource
from fairlead.client.resolved import Resolved
from fairlead.transport.dialer import Dialer
from fairlead.transport.tls import Trust


class Caller:
    """One connection at a time, or one after the other, and the users whose calls go over it."""

    def __init__(self, options: argparse.Namespace, keys: list[tuple[str, str]]) -> None:
        dialer = Dialer(Trust(options.ca, "the command line"), {})
        self._turns = itertools.cycle(
            Resolved(Credentials(key_id, secret), None, "the benchmark") for key_id, secret in keys
        )
        self._is_fresh: bool = options.fresh
        self._request: dict[str, object] = {
            "Target": options.target,
            "DocumentName": "AWS-StartSSHSession",
            "Parameters": {"portNumber": ["22"]},
        }
        source = CredentialSource(lambda: next(self._turns))
        self._source = source
        self._api = SessionApi(options.endpoint, options.region, source, dialer)

    def call(self) -> float:
        """Start a session; the seconds that it took."""
        self._source.forget()  # the next user's turn
        began = time.perf_counter()
        self._api.start_session(self._request)
        took = time.perf_counter() - began
        if self._is_fresh:
            self._api.close()
        return took


def run(options: argparse.Namespace, keys: list[tuple[str, str]]) -> dict[str, float]:
    """All calls, shared between the connections; a failed call ends the program."""
    callers = [
        Caller(options, keys[number :: options.connections] or keys) for number in range(options.connections)
    ]
    for caller in callers:
        caller.call()
    took: list[float] = []
    tickets: Iterator[int] = iter(range(options.calls))
    failures: list[BaseException] = []

    def work(caller: Caller) -> None:
        try:
            for _ in tickets:
                took.append(caller.call())
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(caller,)) for caller in callers]
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    elapsed_s = time.perf_counter() - began
    if failures:
        raise failures[0]
    return {
        "calls": len(took),
        "elapsed_s": elapsed_s,
        "median_ms": median(took) * 1000,
        "p99_ms": quantile(took, 0.99) * 1000,
    }


def main() -> int:
    """Run with the options of the command line."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    for name in ("endpoint", "ca", "region", "target", "keys"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--calls", type=int, required=True)
    parser.add_argument("--connections", type=int, default=8)
    parser.add_argument("--fresh", action="store_true")
    options = parser.parse_args()
    keys = [(key_id, secret) for key_id, secret in json.loads(Path(options.keys).read_text())]
    print(json.dumps(run(options, keys)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
