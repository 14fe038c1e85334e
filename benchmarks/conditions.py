"""What a reader has to know to place the figures: date, versions, machine, load."""

import datetime
import importlib.metadata
import os
import platform
import shutil
import ssl
from pathlib import Path

import fairlead._version
from tools.interop.conditions import said, version_of_agent, version_of_plugin

LIBRARIES = ("picows", "aiofastnet", "uvloop", "uvicorn", "sqlalchemy", "cryptography")


def conditions(form: str, load_before: float) -> dict[str, str]:
    """Name and value of each; `load_before` is the machine's load average before the first row."""
    versions = (f"{name} {importlib.metadata.version(name)}" for name in LIBRARIES)
    return {
        "date": datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "form": form,
        "Fairlead": f"{fairlead._version.__version__}, {_commit()}",
        "machine": f"{_processor()}, {os.cpu_count()} processors, {_memory_gb():.0f} GB,"
        f" {platform.system()} {platform.release()}",
        "who runs where": "client, server, agent and sshd on this one machine, over loopback",
        "congestion control of the system": _congestion_control(),
        "load average": f"{load_before:.1f} before, {os.getloadavg()[0]:.1f} after",
        "Python": f"{platform.python_version()}, {ssl.OPENSSL_VERSION}",
        "libraries": ", ".join(versions),
        "ssh": said("ssh", "-V"),
        "nc": shutil.which("nc") or "none",
        "stock session-manager-plugin": version_of_plugin(),
        "stock amazon-ssm-agent": version_of_agent(),
    }


def _commit() -> str:
    """The commit that is checked out, and whether the sources differ from it."""
    if not shutil.which("git"):
        return "unknown commit"
    is_changed = bool(said("git", "status", "--porcelain", "--", "src", "benchmarks", "tools"))
    return said("git", "rev-parse", "--short", "HEAD") + (" with changes" if is_changed else "")


def _congestion_control() -> str:
    setting = Path("/proc/sys/net/ipv4/tcp_congestion_control")
    return setting.read_text(encoding="utf-8").strip() if setting.exists() else "unknown"


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        key, _, value = line.partition(":")
        if key.strip() == "model name":
            return f"{value.strip()} ({platform.machine()})"
    return platform.machine()


def _memory_gb() -> float:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
