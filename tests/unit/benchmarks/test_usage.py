import os
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.usage import children, cpu_s, peak_rss_mb, rss_mb

pytestmark = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc")


def test_a_process_has_used_what_it_says_itself():
    before = cpu_s(os.getpid())
    times = os.times()
    after = cpu_s(os.getpid())
    # In steps of 10 ms, and the sum of two that are rounded by themselves.
    assert before - 0.03 <= times.user + times.system <= after + 0.03


def test_memory_was_never_more_than_its_peak():
    assert 1 < rss_mb(os.getpid()) <= peak_rss_mb(os.getpid()) + 1


def test_a_child_is_found_while_it_runs_and_an_ended_one_has_no_memory():
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        assert process.pid in children(os.getpid())
        process.kill()
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        with pytest.raises(ProcessLookupError, match="has ended"):
            rss_mb(process.pid)
