"""Signals: remembered, made pollable, or raised."""

import os
import select
import signal

import pytest

from fairlead.client.signals import ENDING, Interrupted, SignalWatch


@pytest.fixture
def watch():
    before = {number: signal.getsignal(number) for number in (*ENDING, signal.SIGPIPE)}
    for number in ENDING:
        signal.signal(number, signal.SIG_DFL)  # the tests themselves may run below nohup
    watch = SignalWatch()
    yield watch
    for number, handler in before.items():
        signal.signal(number, handler)
    os.close(watch.descriptor)
    os.close(watch._wake)


@pytest.mark.parametrize("number", ENDING)
def test_inside_the_loop_a_signal_makes_a_descriptor_readable(watch, number):
    watch.install()
    watch.raises = False
    signal.raise_signal(number)
    signal.raise_signal(number)
    assert select.select([watch.descriptor], [], [], 0)[0]
    assert (watch.received, watch.exit_status) == (number, 128 + number)


def test_outside_the_loop_the_first_signal_raises_and_the_clean_up_is_left_alone(watch):
    watch.install()
    with pytest.raises(Interrupted):
        signal.raise_signal(signal.SIGTERM)
    signal.raise_signal(signal.SIGTERM)


def test_what_nohup_ignores_stays_ignored(watch):
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    watch.install()
    signal.raise_signal(signal.SIGHUP)
    assert watch.received is None
    with pytest.raises(Interrupted):
        signal.raise_signal(signal.SIGINT)
