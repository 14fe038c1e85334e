"""Which faults come when: everything that a seed decides. Pure.

A plan is dealt like cards: `MIX` says how many of each kind are in a deck of 200, the deck is shuffled, and a
longer run deals several. So every run of a length has the same number of each kind, in an order and with
times of its own.
"""

from dataclasses import dataclass
from enum import Enum
from random import Random


class Kind(Enum):
    """What is done to which part; `Fault.part` names the part where there is a choice."""

    SERVER_KILL = "server kill"
    SERVER_RESTART = "server restart"
    SERVER_FREEZE = "server freeze"
    AGENT_KILL = "agent kill"
    AGENT_RESTART = "agent restart"
    AGENT_FREEZE = "agent freeze"
    CLIENT_KILL = "client kill"
    CLIENT_FREEZE = "client freeze"
    TERMINATE = "terminate"
    CUT_FIN = "cut by FIN"
    CUT_RST = "cut by RST"
    CUT_BOTH = "cut of both sides"
    STALL_OUT = "stall to the server"
    STALL_BACK = "stall from the server"
    DELAY = "delay"
    READDRESS = "change of address"


CLIENT, AGENT = "client", "agent"
LOADS = ("upload", "download", "echo")

DECK = 200
MIX: dict[tuple[Kind, str], int] = {
    (Kind.SERVER_KILL, ""): 16,
    (Kind.SERVER_RESTART, ""): 4,
    (Kind.SERVER_FREEZE, ""): 8,
    (Kind.AGENT_KILL, ""): 6,
    (Kind.AGENT_RESTART, ""): 8,
    (Kind.AGENT_FREEZE, ""): 8,
    (Kind.CLIENT_KILL, ""): 4,
    (Kind.CLIENT_FREEZE, ""): 8,
    (Kind.TERMINATE, ""): 6,
    (Kind.CUT_FIN, CLIENT): 15,
    (Kind.CUT_FIN, AGENT): 14,
    (Kind.CUT_RST, CLIENT): 15,
    (Kind.CUT_RST, AGENT): 14,
    (Kind.CUT_BOTH, ""): 12,
    (Kind.STALL_OUT, CLIENT): 8,
    (Kind.STALL_OUT, AGENT): 8,
    (Kind.STALL_BACK, CLIENT): 8,
    (Kind.STALL_BACK, AGENT): 8,
    (Kind.DELAY, CLIENT): 8,
    (Kind.DELAY, AGENT): 8,
    (Kind.READDRESS, CLIENT): 10,
    (Kind.READDRESS, AGENT): 4,
}
"""How many of each kind, and to which part, in `DECK` faults. Most of a run's time goes into starts of the
server, so that there are few of those."""

SERVER_KILL_SHARE = 40 / DECK
"""At most so many of the faults may be kills of the server: they cost it a start each."""

DURATIONS_S: dict[Kind, tuple[float, float]] = {
    Kind.SERVER_KILL: (0.0, 1.0),
    Kind.SERVER_RESTART: (0.0, 0.5),
    Kind.SERVER_FREEZE: (0.3, 2.0),
    Kind.AGENT_KILL: (0.0, 0.5),
    Kind.AGENT_FREEZE: (0.3, 2.0),
    Kind.CLIENT_FREEZE: (0.3, 2.0),
    Kind.STALL_OUT: (0.3, 3.0),
    Kind.STALL_BACK: (0.3, 3.0),
    Kind.DELAY: (0.5, 3.0),
}
"""How long each lasts, from and to; of a kill, how long the part stays away before it is started again."""

DELAYS_S = (0.01, 0.2)
PAUSES_S = (0.25, 0.9)
"""From one fault to the next."""

SHORT_PAUSES_S = (0.02, 0.3)
OVERLAP_CHANCE = 0.3
"""How often the next fault comes after such a short pause, while the one before is still under way."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault. `at_s` counts from the beginning of the run; what a kind has no use for is empty or 0.

    `load` names the load whose session a kind that aims at one session prefers; `host` the last number of
    the new address.
    """

    number: int
    at_s: float
    kind: Kind
    part: str = ""
    duration_s: float = 0.0
    delay_s: float = 0.0
    load: str = ""
    host: int = 0


def make_plan(seed: int, count: int) -> list[Fault]:
    """The first `count` faults of this seed. A longer plan of the same seed begins with the same faults."""
    chance = Random(f"faults/{seed}")
    faults: list[Fault] = []
    at_s = 0.0
    while len(faults) < count:
        deck = [card for card, copies in MIX.items() for _ in range(copies)]
        chance.shuffle(deck)
        for kind, part in deck:
            lasts = bool(faults) and faults[-1].kind in DURATIONS_S
            is_short = chance.random() < OVERLAP_CHANCE and lasts
            at_s += chance.uniform(*(SHORT_PAUSES_S if is_short else PAUSES_S))
            faults.append(_fault(len(faults) + 1, at_s, kind, part, chance))
    return faults[:count]


def _fault(number: int, at_s: float, kind: Kind, part: str, chance: Random) -> Fault:
    return Fault(
        number=number,
        at_s=round(at_s, 3),
        kind=kind,
        part=part,
        duration_s=round(chance.uniform(*DURATIONS_S.get(kind, (0.0, 0.0))), 3),
        delay_s=round(chance.uniform(*DELAYS_S), 3) if kind is Kind.DELAY else 0.0,
        load=chance.choice(LOADS) if kind in (Kind.CLIENT_KILL, Kind.CLIENT_FREEZE, Kind.TERMINATE) else "",
        host=chance.randint(2, 250) if kind is Kind.READDRESS else 0,
    )
