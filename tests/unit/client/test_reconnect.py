"""When a lost session is tried to be resumed, and when that is given up. No clock runs here."""

import itertools

import pytest

from fairlead.client.api_calls import SessionGrant
from fairlead.client.errors import CredentialsError, ServiceError, SessionEnded
from fairlead.client.patience import MAX_DELAY_S
from fairlead.client.reconnect import STABLE_AFTER_S, Reconnector
from fairlead.transport.errors import ConnectError, ConnectionLost

GRANT = SessionGrant("s-1", "token-2", "wss://h/")


class World:
    """A clock that only pauses move, and an API that answers from a list."""

    def __init__(self, answers, window_s=300.0, opens=None, comebacks=None):
        self.now = 0.0
        self.pauses = []
        self.asked = []
        self._answers = iter(answers)
        self._opens = iter(opens) if opens is not None else None
        self._comebacks = iter(comebacks) if comebacks is not None else itertools.repeat(None)
        self.local_side_is_there = True
        self.reconnector = Reconnector(
            self,
            self._open,
            lambda: self._take(self._comebacks),
            window_s=window_s,
            clock=lambda: self.now,
            chance=lambda: 0.5,
            pause=self._pause,
            log=lambda text: None,
        )

    def resume_session(self, session_id):
        self.asked.append(session_id)
        return self._take(self._answers)

    def _open(self, grant):
        return self._take(self._opens) if self._opens is not None else ("link", grant)

    @staticmethod
    def _take(answers):
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def _pause(self, seconds):
        self.now += seconds
        self.pauses.append(seconds)
        return self.local_side_is_there

    def restore(self):
        return self.reconnector.restore("s-1", "reset by peer")


def test_the_first_try_comes_within_a_tenth_of_a_second():
    world = World([GRANT])
    assert world.restore() == ("link", GRANT)
    assert world.asked == ["s-1"]
    assert world.now < 0.1


def test_with_a_resume_secret_the_api_is_not_asked_however_often_it_fails():
    world = World([], comebacks=[ConnectError("refused"), ConnectionLost("cut"), "link"])
    assert world.restore() == "link"
    assert world.asked == []
    assert world.now < 1


def test_without_one_or_once_it_is_unknown_the_session_is_resumed_by_the_api():
    world = World([GRANT], comebacks=["link", None])
    assert world.restore() == "link"
    assert world.restore() == ("link", GRANT)
    assert world.asked == ["s-1"]


@pytest.mark.parametrize(
    "failure",
    [
        ConnectError("refused"),
        ServiceError("busy", "InternalServerError", 500),
        CredentialsError("credential_process failed: no route to host"),
    ],
    ids=["network", "service", "credentials"],
)
def test_passing_failures_are_sat_out(failure):
    world = World([failure] * 5 + [GRANT])
    assert world.restore() == ("link", GRANT)
    assert world.pauses == sorted(world.pauses)


def test_a_data_channel_that_does_not_open_is_another_failed_try():
    world = World([GRANT, GRANT], opens=[ConnectError("refused"), "link"])
    assert world.restore() == "link"


def test_an_answer_without_token_ends_the_session_for_certain():
    with pytest.raises(SessionEnded, match=r"reset by peer.*session is over") as ended:
        World([None]).restore()
    assert ended.value.is_certain


@pytest.mark.parametrize("code", ["DoesNotExistException", "AccessDeniedException"])
def test_a_refusal_ends_the_session_with_the_services_words(code):
    with pytest.raises(SessionEnded, match="cannot be resumed: no such session"):
        World([ServiceError("no such session", code, 400)]).restore()


def test_credentials_that_stay_away_are_named_at_the_end_of_the_window():
    world = World(iter(lambda: CredentialsError("token has expired"), None), window_s=60)
    with pytest.raises(SessionEnded, match=r"within 60 s: token has expired") as ended:
        world.restore()
    assert not ended.value.is_certain


def test_the_window_bounds_the_tries_and_the_last_failure_is_told():
    world = World(iter(lambda: ConnectError("no route"), None), window_s=60)
    with pytest.raises(SessionEnded, match="within 60 s: no route") as ended:
        world.restore()
    assert not ended.value.is_certain
    assert 60 < world.now < 60 + 2 * MAX_DELAY_S


def test_when_the_local_side_goes_nothing_more_is_tried():
    world = World([])
    world.local_side_is_there = False
    assert world.restore() is None
    assert world.asked == []


def test_a_connection_that_breaks_again_at_once_was_no_success():
    world = World([GRANT] * 9)
    for _ in range(8):
        world.restore()
    assert world.pauses == sorted(world.pauses)
    assert world.pauses[-1] > 1.0
    world.now += STABLE_AFTER_S
    world.restore()
    assert world.pauses[-1] < 0.1


def test_the_window_counts_from_the_first_loss_of_a_shaky_connection():
    world = World(iter(lambda: GRANT, None), window_s=20)
    while world.now <= 20:
        world.restore()
    with pytest.raises(SessionEnded, match="within 20 s: reset by peer"):
        world.restore()
