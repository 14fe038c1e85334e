"""What a profile makes of samples and of perf's report."""

import subprocess
import sys

import pytest

from benchmarks.profile import MAX_LINES, SAMPLER, SOURCES, shares_by_function, shares_by_library, shown_file

REPORT = """\
# Samples: 2K of event 'cpu-clock'
#
# Overhead  Shared Object
    61.50%  libcrypto.so.3
    38.00%  [kernel.kallsyms]
     0.50%  libc.so.6

"""


def test_libraries_are_listed_but_for_the_smallest():
    assert shares_by_library(REPORT) == [(0.615, "libcrypto.so.3"), (0.38, "the kernel")]


def test_functions_are_listed_by_their_share():
    samples = [
        [f"{SOURCES}/fairlead/gateway/relay.py", "Relay.hold", 1],
        ["/usr/lib/python3.11/ssl.py", "SSLObject.read", 3],
    ]
    assert shares_by_function(samples) == [
        (0.75, "python3.11/ssl.py: SSLObject.read"),
        (0.25, "gateway/relay.py: Relay.hold"),
    ]


def test_functions_of_one_name_in_one_file_are_counted_together():
    assert shares_by_function([["/a/b.py", "f", 1], ["/a/b.py", "f", 1]]) == [(1.0, "a/b.py: f")]


def test_a_list_of_functions_has_an_end():
    assert len(shares_by_function([["/a/b.py", f"f{number}", 1] for number in range(50)])) == MAX_LINES


def test_nothing_was_sampled():
    assert shares_by_function([]) == []


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        (f"{SOURCES}/fairlead/protocol/message.py", "protocol/message.py"),
        ("/x/site-packages/picows/api.py", "picows/api.py"),
        ("<string>", "<string>"),
    ],
)
def test_files_are_shown_by_the_end_of_their_path(path, shown):
    assert shown_file(path) == shown


def test_a_process_with_the_sampler_writes_what_it_spent_its_time_on(tmp_path):
    program = (
        "import os, signal, time\n"
        "def spin():\n"
        "    ends_at = time.process_time() + 0.2\n"
        "    while time.process_time() < ends_at: pass\n"
        "os.kill(os.getpid(), signal.SIGUSR2); spin(); os.kill(os.getpid(), signal.SIGUSR2)\n"
        "print(os.getpid())\n"
    )
    env = {"PYTHONPATH": str(SAMPLER), "FAIRLEAD_SAMPLES": f"{tmp_path}/samples-"}
    done = subprocess.run(
        [sys.executable, "-c", program], env=env, capture_output=True, text=True, check=True
    )
    written = (tmp_path / f"samples-{done.stdout.strip()}").read_text()
    assert '"spin"' in written
