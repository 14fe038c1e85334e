"""What a reader has to know to place the figures: versions, machine, load, date."""

import datetime
import os
import platform
import subprocess

import fairlead._version
from tools.stack import SCRIPTS
from tools.stock_programs import AGENT, NotHere, find_agent, find_plugin


def conditions(load_before: float, rounds: int) -> dict[str, str]:
    """Name and value of each; `load_before` is the machine's load average before the first copy."""
    return {
        "date": datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "Fairlead": f"{fairlead._version.__version__}, {said('git', 'rev-parse', '--short', 'HEAD')}",
        "stock session-manager-plugin": version_of_plugin(),
        "stock amazon-ssm-agent": version_of_agent(),
        "AWS CLI": said(str(SCRIPTS / "aws"), "--version").split()[0],
        "ssh": said("ssh", "-V"),
        "machine": f"{platform.machine()}, {os.cpu_count()} processors, {platform.system()}"
        f" {platform.release()}, Python {platform.python_version()}",
        "who runs where": "client, server, agent and sshd on this one machine, over loopback, with TLS",
        "rounds": str(rounds),
        "load": f"{load_before:.1f} before the first copy, {os.getloadavg()[0]:.1f} after the last;"
        f" nice value {os.nice(0)}",
    }


def version_of_plugin() -> str:
    """What the stock plugin says, or why there is none."""
    try:
        return said(str(find_plugin()), "--version")
    except NotHere as reason:
        return f"left out: {reason}"


def version_of_agent() -> str:
    """What the stock agent says, or why there is none."""
    try:
        return said(str(find_agent() / AGENT), "-version").removeprefix("SSM Agent version: ")
    except NotHere as reason:
        return f"left out: {reason}"


def said(*command: str) -> str:
    """What a command prints, on one line."""
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    return " ".join((done.stdout + done.stderr).split())
