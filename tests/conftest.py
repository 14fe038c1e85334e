"""What holds for every test: hypothesis profiles, and the AWS CLI that is started once."""

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

if TYPE_CHECKING:
    from tests.support.aws_cli import AwsCli

# The same examples each time: an unlucky draw must not stop a change. `make test-long` draws anew.
settings.register_profile(
    "quick",
    deadline=None,
    max_examples=60,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile(
    "deep", deadline=None, max_examples=3_000, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "quick"))


@pytest.fixture(scope="session")
def aws_cli() -> Iterator["AwsCli"]:
    """The AWS CLI for the whole run."""
    from tests.support.aws_cli import AwsCli

    cli = AwsCli()
    yield cli
    cli.close()
