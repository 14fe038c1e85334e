"""What the tests of use cases share."""

import pytest

from tests.support.control_world import World


@pytest.fixture
def world() -> World:
    """An installation with the role of nodes, and nothing else."""
    world = World()
    world.role()
    return world
