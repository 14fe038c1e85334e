"""Heartbeats on their way to the store: gathered as they come, recorded together.

A heartbeat says when a node was last heard of and little else, and thousands of nodes send one every five
minutes: a transaction for each would be a write to the disk for each. `record` is called every second, and
before the nodes are described, so that what was said is seen. A server that is killed forgets the heartbeats
of the last second; the next ones come within the time for which a node counts as online.
"""

import threading
from dataclasses import asdict, replace

from fairlead.control.environment import Environment
from fairlead.domain.nodes import Beat


class Heartbeats:
    """The heartbeats that are not recorded yet, of each node one. Thread-safe."""

    def __init__(self, env: Environment) -> None:
        self._env = env
        self._gathered: dict[str, Beat] = {}
        self._lock = threading.Lock()
        self._recording = threading.Lock()

    def __len__(self) -> int:
        """How many nodes have one."""
        return len(self._gathered)

    def add(self, beat: Beat) -> None:
        """Take in a heartbeat; its empty fields leave what the one before said."""
        with self._lock:
            self._gathered[beat.node_id] = _merged(self._gathered.get(beat.node_id), beat)

    def record(self) -> None:
        """Record what came until now, in one transaction; when it fails, the next call tries again."""
        with self._recording:  # whoever comes second finds everything recorded when he is let in
            with self._lock:
                gathered, self._gathered = self._gathered, {}
            if not gathered:
                return
            try:
                with self._env.store.transaction() as uow:
                    uow.nodes.record_heartbeats(list(gathered.values()))
            except BaseException:
                with self._lock:
                    for beat in gathered.values():
                        newer = self._gathered.get(beat.node_id)
                        self._gathered[beat.node_id] = beat if newer is None else _merged(beat, newer)
                raise


def _merged(before: Beat | None, beat: Beat) -> Beat:
    if before is None:
        return beat
    said = {name: value for name, value in asdict(beat.heartbeat).items() if value}
    return replace(beat, heartbeat=replace(before.heartbeat, **said))
