"""AWS's own `amazon-ssm-agent` and `session-manager-plugin`, unmodified, against a stack of ours.

They are looked for in the directory that REAL_AWS_BIN names, then on PATH. The agent keeps its state in fixed
places (`/var/lib/amazon/ssm`, `/var/log/amazon/ssm`), wants root, and reads its configuration beside its own
binary: so each agent here runs from a copy with its own configuration, in mount and process namespaces of
its own, with directories of the test bound over those places. Nothing is written outside of the test's
directory, and when the agent ends, every process it started ends with it.
"""

import json
import os
import shutil
import signal
import subprocess
from collections.abc import Mapping
from pathlib import Path

from tools.processes import ChildProcess, StartFailed, children, descendants, environment, start
from tools.stack import CommandFailed, LocalStack

AGENT = "amazon-ssm-agent"
PLUGIN = "session-manager-plugin"
AGENT_PROGRAMS = (AGENT, "ssm-agent-worker", "ssm-session-worker")
"""The first starts the second, and that one a third per session; all are looked for in one directory."""
REGION = "us-east-1"
START_TIMEOUT_S = 60.0
STOP_TIMEOUT_S = 15.0
_IN_NAMESPACE = 'mount --bind "$1" /var/lib && mount --bind "$2" /var/log && shift 2 && exec "$@"'


class NotHere(Exception):
    """A stock program, or what it needs to run, is missing; the text says what and how to supply it."""


def find_plugin() -> Path:
    """The stock session-manager-plugin. Raises NotHere."""
    directory = os.environ.get("REAL_AWS_BIN")
    found = _executable(Path(directory) / PLUGIN) if directory else shutil.which(PLUGIN)
    # Ours has the same name; on PATH it is a script of this environment.
    if found is None or Path(found).read_bytes()[:4] != b"\x7fELF":
        raise NotHere(f"no stock {PLUGIN}: set REAL_AWS_BIN to the directory that has it")
    return Path(found)


def find_agent() -> Path:
    """The directory of the stock agent's programs. Raises NotHere, also when it could not run here."""
    directory = os.environ.get("REAL_AWS_BIN")
    found = _executable(Path(directory) / AGENT) if directory else shutil.which(AGENT)
    if found is None or any(_executable(Path(found).with_name(name)) is None for name in AGENT_PROGRAMS):
        raise NotHere(
            f"no stock {AGENT}: set REAL_AWS_BIN to the directory that has {', '.join(AGENT_PROGRAMS)}"
        )
    if os.geteuid() != 0:
        raise NotHere(f"the stock {AGENT} runs as root only, and this is not root")
    if subprocess.run([*_unshare(), "true"], capture_output=True, check=False).returncode:
        raise NotHere(
            f"the stock {AGENT} needs mount and process namespaces of its own (unshare), denied here"
        )
    return Path(found).parent


def path_with_plugin(stack: LocalStack, plugin: Path) -> dict[str, str]:
    """The stack's environment, with the stock plugin where the AWS CLI looks first."""
    directory = stack.directory / "stock-plugin"
    directory.mkdir(exist_ok=True)
    link = directory / PLUGIN
    if not link.exists():
        link.symlink_to(plugin)
    return {**stack.env, "PATH": f"{directory}:{stack.env['PATH']}"}


def register(stack: LocalStack, programs: Path, name: str) -> "StockAgent":
    """Register a machine with an activation of its own, as the agent's documentation says to."""
    create = ["ssm", "create-activation", "--iam-role", "service-role/FairleadNode"]
    activation = stack.aws(*create, "--default-instance-name", name)
    directory = stack.directory / f"stock-{name}"
    for part in ("lib/amazon/ssm", "log/amazon/ssm"):
        (directory / part).mkdir(parents=True)
    _copy_programs(programs, directory / "bin")
    _write_configuration(directory / "bin" / "configuration", stack.env["AWS_ENDPOINT_URL"])
    agent = StockAgent(stack, directory, name, activation)
    agent.register()
    return agent


class StockAgent:
    """A registered stock agent, running or not."""

    def __init__(self, stack: LocalStack, directory: Path, name: str, activation: Mapping[str, str]) -> None:
        """`activation`: the answer to CreateActivation."""
        self.name = name
        self.directory = directory
        self.child: ChildProcess | None = None
        self._stack = stack
        self._activation = activation
        self._state = directory / "lib" / "amazon" / "ssm"
        self._home = directory / "home"  # where it shares its credentials with other programs of its user
        self._home.mkdir()
        ca_bundle = stack.server_state / "ca-bundle.pem"
        self._env = environment(SSL_CERT_FILE=str(ca_bundle), HOME=str(self._home))

    @property
    def node_id(self) -> str:
        """The id that the registration brought."""
        registration = self._state / "registration"
        node_id: str = json.loads(registration.read_text(encoding="utf-8"))["ManagedInstanceID"]
        return node_id

    def register(self) -> None:
        """Register with the activation; raises CommandFailed."""
        code, activation_id = self._activation["ActivationCode"], self._activation["ActivationId"]
        self._run("-register", "-code", code, "-id", activation_id, "-region", REGION, "-y")

    def private_key(self) -> str:
        """The key it signs with."""
        key: str = json.loads(self._key_file.read_text(encoding="utf-8"))["privateKey"]
        return key

    def make_its_key_old(self) -> None:
        """Set the date of its key back, and have it change keys that are older than a day."""
        kept = json.loads(self._key_file.read_text(encoding="utf-8"))
        kept["privateKeyCreatedDate"] = "2020-01-01 00:00:00 +0000 UTC"
        self._key_file.write_text(json.dumps(kept), encoding="utf-8")
        path = self.directory / "bin" / "configuration" / f"{AGENT}.json"
        configuration = json.loads(path.read_text(encoding="utf-8"))
        configuration["Profile"] = {"KeyAutoRotateDays": 1}
        path.write_text(json.dumps(configuration), encoding="utf-8")

    def forget_its_credentials(self) -> None:
        """Its next start has to ask for new ones."""
        (self._home / ".aws" / "credentials").unlink()
        (self._state / "runtimeconfig" / "identity_config.json").unlink()

    @property
    def _key_file(self) -> Path:
        return self._state / "Vault" / "Store" / "RegistrationKey"

    def _run(self, *arguments: str) -> str:
        """Run the agent's program to its end; raises CommandFailed."""
        done = subprocess.run(
            self._command(*arguments),
            env=self._env,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=START_TIMEOUT_S,
        )
        if done.returncode:
            raise CommandFailed([AGENT, *arguments], done.returncode, done.stdout + done.stderr)
        return done.stdout

    def start(self) -> None:
        """Start it, and wait until its control channel is open."""
        self.child = start(self.name, self._command(), self.directory / "output.log", self._env)
        self.child.wait_until(lambda: self._stack.is_connected(self.node_id), START_TIMEOUT_S)

    def stop(self) -> None:
        """Ask it to end, as an init system would, and insist when it does not."""
        if self.child is None:
            return
        process = self.child.process
        for pid in children(process.pid):
            os.kill(pid, signal.SIGTERM)
        try:
            process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            process.kill()  # unshare takes the namespace's first process with it, and that one all others
            process.wait()
        self.child = None

    def session_workers(self) -> int:
        """How many sessions have a process."""
        if self.child is None:
            raise StartFailed(f"{self.name} does not run")
        return sum(b"ssm-session-worker" in _command_line(pid) for pid in descendants(self.child.pid))

    def log(self) -> str:
        """What it logged."""
        return self._read_log("amazon-ssm-agent.log")

    def errors(self) -> list[str]:
        """The lines of its log that are errors."""
        return self._read_log("errors.log").splitlines()

    def _read_log(self, name: str) -> str:
        path = self.directory / "log" / "amazon" / "ssm" / name
        return path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""

    def _command(self, *arguments: str) -> list[str]:
        inside = ["sh", "-c", _IN_NAMESPACE, "sh", str(self.directory / "lib"), str(self.directory / "log")]
        return [*_unshare(), *inside, str(self.directory / "bin" / AGENT), *arguments]


def _unshare() -> list[str]:
    return ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]


def _executable(path: Path) -> str | None:
    return str(path) if os.access(path, os.X_OK) else None


def _copy_programs(source: Path, target: Path) -> None:
    target.mkdir()
    for name in AGENT_PROGRAMS:
        shutil.copyfile(source / name, target / name)
        (target / name).chmod(0o755)


def _write_configuration(directory: Path, endpoint: str) -> None:
    """Every endpoint that it may think of is the server, or a port that nothing listens on."""
    nowhere = "http://127.0.0.1:9"
    configuration = {
        "Identity": {"ConsumptionOrder": ["OnPrem"]},
        "Agent": {
            "Region": REGION,
            "SelfUpdate": False,
            "TelemetryMetricsToCloudWatch": False,
            "TelemetryMetricsToSSM": False,
        },
        "Ssm": {"Endpoint": endpoint},
        "Mds": {"Endpoint": endpoint},
        "Mgs": {"Region": REGION, "Endpoint": endpoint},
        "Kms": {"Endpoint": nowhere},
        "S3": {"Endpoint": nowhere, "Region": REGION},
    }
    directory.mkdir()
    (directory / f"{AGENT}.json").write_text(json.dumps(configuration), encoding="utf-8")


def _command_line(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:  # it ended
        return b""
