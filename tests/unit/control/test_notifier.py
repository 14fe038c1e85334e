"""What tests put in the place of the gateway is what use cases expect of it."""

import inspect

from fairlead.control.notifier import AgentNotifier
from tests.support.control_world import RecordingNotifier


def test_the_recording_notifier_has_every_method_with_the_same_parameters():
    for name, method in inspect.getmembers(AgentNotifier, inspect.isfunction):
        if not name.startswith("_"):
            wanted = list(inspect.signature(method).parameters)
            assert list(inspect.signature(getattr(RecordingNotifier, name)).parameters) == wanted
