import pytest

from fairlead.protocol.retransmission import ResendTimer


def intervals(timer: ResendTimer, count: int) -> list[float]:
    found, now = [], 0.0
    timer.restart(now)
    for _ in range(count):
        found.append(timer.deadline - now)
        now = timer.deadline
        timer.resent(now)
    return found


def test_a_stock_peer_gets_the_message_again_after_200_ms_and_then_less_and_less_often():
    assert intervals(ResendTimer(), 8) == pytest.approx([0.2, 0.2, 0.2, 0.2, 0.4, 0.8, 1.0, 1.0])


def test_our_own_ends_are_probed_after_a_second_and_at_least_every_half_minute():
    timer = ResendTimer()
    timer.use_probes()
    assert intervals(timer, 8) == pytest.approx([1, 2, 4, 8, 16, 30, 30, 30])


def test_the_estimate_follows_the_round_trip():
    timer = ResendTimer()
    for _ in range(100):
        timer.sample(0.4)
    assert intervals(timer, 1)[0] == pytest.approx(0.41, abs=0.01)
    for _ in range(100):
        timer.sample(0.001)
    assert intervals(timer, 1)[0] == pytest.approx(0.1), "never below 100 ms"
    for _ in range(100):
        timer.sample(5.0)
    assert intervals(timer, 1)[0] == pytest.approx(1.0), "never above 1 s"


def test_one_sample_moves_the_estimate_as_documented():
    timer = ResendTimer()
    timer.sample(0.2)  # RTTVAR = 0.1 / 4, RTT = 0.1 + 0.1 / 8
    assert intervals(timer, 1)[0] == pytest.approx(0.1125 + 4 * 0.025)


def test_a_restart_forgets_the_resends():
    timer = ResendTimer()
    intervals(timer, 6)
    timer.restart(10.0)
    assert timer.deadline == pytest.approx(10.2)
