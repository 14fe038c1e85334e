"""What ssh starts for every connection must start fast: the modules it loads, in a fresh interpreter."""

import json
import subprocess
import sys

import pytest

BANNED = {
    "asyncio",
    "click",
    "configparser",
    "cryptography",
    "dataclasses",
    "datetime",
    "email",
    "http.client",
    "inspect",
    "logging",
    "picows",
    "subprocess",
    "typer",
    "typing",
    "unicodedata",
    "urllib.parse",
    "urllib.request",
    "uuid",
    "websockets",
}
WORKING_SET = (
    "fairlead.client.session_process",
    "fairlead.client.ssh_proxy",
    "fairlead.transport.local_stream",
)


@pytest.mark.parametrize(
    "entry", ["fairlead.client.proxy", "fairlead.client.plugin", "fairlead.transport.poll_endpoint"]
)
def test_an_entry_point_and_all_it_needs_for_a_session_load_nothing_heavy(entry):
    imports = "; ".join(f"import {name}" for name in (entry, *WORKING_SET))
    program = f"{imports}; import json, sys; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-I", "-c", program], capture_output=True, check=True, text=True)
    assert BANNED & set(json.loads(done.stdout)) == set()


def test_what_carries_a_session_is_not_loaded_before_the_session_is_asked_for():
    program = (
        "import fairlead.client.proxy, fairlead.client.session_process; import json, sys;"
        "print(json.dumps(sorted(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-I", "-c", program], capture_output=True, check=True, text=True)
    own = [name for name in json.loads(done.stdout) if name.startswith("fairlead.")]
    assert [name for name in own if name.startswith("fairlead.protocol.")] == []
    assert not {"fairlead.client.ssh_proxy", "fairlead.transport.poll_endpoint"} & set(own)
    assert len(own) <= 30  # each takes a third of a millisecond


def test_the_command_itself_takes_the_fast_way():
    program = (
        "import sys; sys.argv = ['fairlead', 'proxy']; from fairlead.__main__ import main; status = main();"
        "print(status, 'typer' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-I", "-c", program], capture_output=True, check=True, text=True)
    assert done.stdout == "1 False\n"
