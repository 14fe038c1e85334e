"""What a process has used so far, as Linux counts it. MB = 10^6 bytes."""

import os
from pathlib import Path

from tools.processes import children, descendants

__all__ = ["children", "cpu_s", "peak_rss_mb", "reset_peak", "rss_mb", "tree_cpu_s"]

_TICKS_PER_S = os.sysconf("SC_CLK_TCK")
_FORGET_PEAK = "5"  # proc(5), clear_refs


def cpu_s(pid: int) -> float:
    """CPU seconds, user and system, of all its threads, the ended ones too; in steps of 10 ms."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS_PER_S


def tree_cpu_s(pid: int) -> float:
    """The same of a process and of those it started, and they: of all that are alive."""
    return sum(cpu_s(each) for each in descendants(pid))


def rss_mb(pid: int) -> float:
    """Resident memory now."""
    return _status_mb(pid, "VmRSS")


def peak_rss_mb(pid: int) -> float:
    """The largest resident memory since the start of the process, or since `reset_peak`."""
    return _status_mb(pid, "VmHWM")


def reset_peak(pid: int) -> None:
    """Let the peak begin anew at what is resident now."""
    Path(f"/proc/{pid}/clear_refs").write_text(_FORGET_PEAK, encoding="ascii")


def _status_mb(pid: int, key: str) -> float:
    for line in Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines():
        name, _, rest = line.partition(":")
        if name == key:
            return int(rest.split()[0]) * 1024 / 1e6
    raise ProcessLookupError(f"process {pid} has ended: its status has no {key}")
