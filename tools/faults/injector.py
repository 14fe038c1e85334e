"""Doing what the plan says, each fault on a thread of its own so that one can come upon another."""

import signal
import threading
import time
from collections.abc import Callable

from tools.faults.history import CLIENT_KILL, History
from tools.faults.loads import Loads
from tools.faults.plan import AGENT, CLIENT, Fault, Kind
from tools.faults.sessions import Session
from tools.faults.site import Site
from tools.wire import Cut, Way

WAIT_TIMEOUT_S = 300.0
"""For something to hit, or a part to be back. A slow machine makes a run longer, not wrong."""

POLL_S = 0.02

ON_SERVER = frozenset({Kind.SERVER_KILL, Kind.SERVER_RESTART, Kind.SERVER_FREEZE})
ON_AGENT = frozenset({Kind.AGENT_KILL, Kind.AGENT_RESTART, Kind.AGENT_FREEZE})
ON_CONNECTIONS = frozenset({Kind.CUT_FIN, Kind.CUT_RST, Kind.CUT_BOTH, Kind.READDRESS})
ON_A_SESSION = frozenset({Kind.CLIENT_KILL, Kind.CLIENT_FREEZE, Kind.TERMINATE})


class InjectionFailed(Exception):
    """The harness could not do what the plan says; the text says what stood in its way."""


class Injector:
    """Injects faults into a site under load. `inject` returns when the fault has begun, `join` when all are
    over; `watch` is called again and again meanwhile."""

    def __init__(self, site: Site, loads: Loads, history: History, watch: Callable[[], None]) -> None:
        self._site = site
        self._loads = loads
        self._history = history
        self._watch = watch
        self._threads: list[threading.Thread] = []
        self._under_way: list[Fault] = []
        self._lock = threading.Lock()
        self.failure: Exception | None = None

    def inject(self, fault: Fault) -> None:
        """Wait until the fault can hit something, then begin it. Raises InjectionFailed."""
        self._wait_until(
            lambda: self._can_begin(fault), f"nothing to hit with {fault.kind.value}", self._watch
        )
        with self._lock:
            self._under_way.append(fault)
        thread = threading.Thread(target=self._carry_out, args=(fault,), name=f"fault {fault.number}")
        self._threads = [other for other in self._threads if other.is_alive()]
        self._threads.append(thread)
        thread.start()

    def join(self) -> None:
        """Wait until no fault is under way. Raises what one of them failed with."""
        while any(thread.is_alive() for thread in self._threads):
            self._watch()
            time.sleep(POLL_S)
        if self.failure is not None:
            raise self.failure

    def _can_begin(self, fault: Fault) -> bool:
        """There is a running transfer, and the part is there to be hit."""
        if not self._loads.running:
            return False
        with self._lock:
            under_way = {other.kind for other in self._under_way}
            if any((other.kind, other.part) == (fault.kind, fault.part) for other in self._under_way):
                return False
        if fault.kind in ON_SERVER:
            return not under_way & ON_SERVER
        if fault.kind in ON_AGENT:
            return not under_way & ON_AGENT
        if fault.kind in ON_CONNECTIONS:
            parts = (fault.part,) if fault.part else (CLIENT, AGENT)
            return all(self._site.wires[part].connections for part in parts)
        if fault.kind is Kind.TERMINATE:
            return not under_way & ON_SERVER
        return True

    def _carry_out(self, fault: Fault) -> None:
        try:
            target = self._target(fault)
            self._history.write(
                "fault", number=fault.number, phase="begun", session=target.name if target else ""
            )
            effect = self._effect(fault, target)
            self._history.write("fault", number=fault.number, phase="done", effect=effect)
        except Exception as error:  # raised again where the run is led
            self.failure = error
        finally:
            with self._lock:
                self._under_way.remove(fault)

    def _target(self, fault: Fault) -> Session | None:
        if fault.kind not in ON_A_SESSION:
            return None
        running = self._loads.running
        return running.get(fault.load) or next(iter(running.values()), None)

    def _effect(self, fault: Fault, target: Session | None) -> int:
        """Carry the fault out; how many things it hit: connections, processes or sessions."""
        site = self._site
        match fault.kind:
            case Kind.SERVER_KILL:
                self._restart_server(signal.SIGKILL, fault.duration_s)
            case Kind.SERVER_RESTART:
                self._restart_server(signal.SIGTERM, fault.duration_s)
            case Kind.SERVER_FREEZE:
                return int(site.freeze(site.stack.server.pid, fault.duration_s))
            case Kind.AGENT_KILL:
                self._kill_agent(fault.duration_s)
            case Kind.AGENT_RESTART:
                return int(site.restart_agent())
            case Kind.AGENT_FREEZE:
                return int(site.freeze(site.agent_pid, fault.duration_s))
            case Kind.CUT_FIN | Kind.CUT_RST:
                how = Cut.FIN if fault.kind is Kind.CUT_FIN else Cut.RST
                return site.wires[fault.part].cut(how)
            case Kind.CUT_BOTH:
                return site.wires[CLIENT].cut(Cut.RST) + site.wires[AGENT].cut(Cut.RST)
            case Kind.READDRESS:
                return site.wires[fault.part].readdress(f"127.0.0.{fault.host}")
            case Kind.STALL_OUT | Kind.STALL_BACK | Kind.DELAY:
                self._slow_down(fault)
            case _:
                return self._hit_session(fault, target)
        return 1

    def _restart_server(self, signal_number: int, away_s: float) -> None:
        self._site.stop_server(signal_number)
        time.sleep(away_s)
        self._site.start_server()

    def _kill_agent(self, away_s: float) -> None:
        """Over when the sessions that the agent held are, so that the server knows what became of them."""
        held = list(self._loads.running.values())
        starting = [session for session in self._loads.current.values() if not session.is_running]
        self._site.kill_agent()
        time.sleep(away_s)
        self._site.start_agent()
        self._wait_until(
            lambda: (
                all(session.has_ended for session in held)
                and all(session.has_ended or session.received for session in starting)
            ),
            "the killed agent's sessions live on",
        )

    def _slow_down(self, fault: Fault) -> None:
        wire = self._site.wires[fault.part]
        if fault.kind is Kind.DELAY:
            wire.delay(fault.delay_s)
            time.sleep(fault.duration_s)
            wire.delay(0.0)
        else:
            way = Way.OUT if fault.kind is Kind.STALL_OUT else Way.BACK
            wire.stall(way)
            time.sleep(fault.duration_s)
            wire.release(way)

    def _hit_session(self, fault: Fault, target: Session | None) -> int:
        if target is None:
            return 0
        if fault.kind is Kind.TERMINATE:
            return int(self._site.terminate(target))
        if fault.kind is Kind.CLIENT_KILL:
            target.kill(CLIENT_KILL)
            return 1
        pid = target.client_pid()
        return int(pid is not None and self._site.freeze(pid, fault.duration_s))

    def _wait_until(
        self, holds: Callable[[], bool], failure: str, meanwhile: Callable[[], None] = lambda: None
    ) -> None:
        deadline = time.monotonic() + WAIT_TIMEOUT_S
        while not holds():
            meanwhile()
            if self.failure is not None:
                raise self.failure
            if time.monotonic() > deadline:
                raise InjectionFailed(f"{failure} after {WAIT_TIMEOUT_S:.0f} s")
            time.sleep(POLL_S)
