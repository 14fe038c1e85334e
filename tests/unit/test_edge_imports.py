"""What runs on nodes and at users' needs nothing of the server: its every module, in a fresh interpreter."""

import pkgutil
import subprocess
import sys

import pytest

import fairlead.agent
import fairlead.client
import fairlead.transport

SERVER_LIBRARIES = {"alembic", "httptools", "psycopg", "sqlalchemy", "starlette", "uvicorn", "uvloop"}
SERVER_PACKAGES = ("api", "control", "domain", "gateway", "policy", "server", "store")
TEST_LIBRARIES = {"asyncssh", "boto3", "botocore", "hypothesis", "pytest"}


@pytest.mark.parametrize("package", [fairlead.agent, fairlead.client, fairlead.transport])
def test_every_module_of_the_edge_loads_without_server_and_test_libraries(package) -> None:
    modules = [found.name for found in pkgutil.iter_modules(package.__path__, f"{package.__name__}.")]
    assert len(modules) > 10
    program = f"import sys, {', '.join(modules)}; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-I", "-c", program], capture_output=True, text=True, check=True)
    loaded = done.stdout.split()
    assert {name.partition(".")[0] for name in loaded} & (SERVER_LIBRARIES | TEST_LIBRARIES) == set()
    own = tuple(f"fairlead.{name}" for name in SERVER_PACKAGES)
    assert [name for name in loaded if name.startswith(own)] == []
