"""Freed memory stays in the process: seen by the page faults of asking for it again."""

import platform
import subprocess
import sys

import pytest

COUNT = """
import resource, sys
from fairlead.transport.heap import keep_freed_memory
if sys.argv[1] == "keep":
    keep_freed_memory()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(100):
    messages = [bytearray(b"x") * 65536 for _ in range(16)]
    del messages
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def faults(how: str) -> int:
    done = subprocess.run([sys.executable, "-c", COUNT, how], capture_output=True, text=True, check=True)
    return int(done.stdout)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="what is promised holds for glibc")
def test_a_window_of_messages_is_freed_and_made_again_without_page_faults():
    assert faults("keep") < 1000 < faults("as it is")
