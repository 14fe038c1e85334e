"""pytest fixtures of `fairlead.testing`; found by pytest itself once the package is installed.

pytest loads this module in every project of the environment, so nothing is imported before a fixture is used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from fairlead.testing.server import FairleadServer


@pytest.fixture
def fairlead_server(tmp_path: Path) -> Iterator[FairleadServer]:
    """A Fairlead server of its own for one test; see `fairlead.testing.server.FairleadServer`."""
    from fairlead.testing.server import FairleadServer

    with FairleadServer(tmp_path / "fairlead") as server:
        yield server


@pytest.fixture(scope="session")
def fairlead_server_session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FairleadServer]:
    """One Fairlead server for all tests of the run that ask for it; they share what is in it."""
    from fairlead.testing.server import FairleadServer

    with FairleadServer(tmp_path_factory.mktemp("fairlead") / "state") as server:
        yield server
