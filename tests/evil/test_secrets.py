"""Every secret of a small installation's life is looked for where it must not be."""

import base64
import html
import json
import re
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from fairlead.aws.sigv4 import Credentials
from tests.evil.stage import Grant, Node, Peer, Stage, client_open, data_channel, goodbye
from tests.support.waiting import PATIENCE_S
from tools.stack import SCRIPTS, RunningAgent


@dataclass
class Life:
    """What happened, with every secret by name, and every process that took part."""

    stage: Stage
    secrets: dict[str, bytes] = field(default_factory=dict)
    texts: list[str] = field(default_factory=list)
    """Answers that refused something."""
    proxy_stderr: str = ""
    pids: list[int] = field(default_factory=list)
    agent: RunningAgent | None = None

    def add(self, name: str, secret: str | bytes) -> None:
        """Remember a secret in each form in which it might turn up."""
        raw = secret.encode() if isinstance(secret, str) else secret
        assert len(raw) >= 16, name
        self.secrets[name] = raw
        self.secrets[f"{name} (base64)"] = base64.b64encode(raw).rstrip(b"=")
        self.secrets[f"{name} (percent-encoded)"] = quote(raw, safe="").encode()
        self.secrets[f"{name} (JSON)"] = json.dumps(raw.decode("latin-1"))[1:-1].encode()

    def add_key(self, name: str, pem: bytes) -> None:
        """Remember a private key: the number that makes it, and a line of its file that holds some of it."""
        key = serialization.load_pem_private_key(pem, password=None)
        lines = pem.partition(b"PRIVATE KEY-----\n")[2].partition(b"-----END")[0].splitlines()
        if isinstance(key, rsa.RSAPrivateKey):  # the file begins with the public modulus
            self.add(name, key.private_numbers().p.to_bytes(128))
            self.secrets[f"{name} (PEM)"] = lines[-2]
        elif isinstance(key, ed25519.Ed25519PrivateKey):
            self.add(name, key.private_bytes_raw())
            self.secrets[f"{name} (PEM)"] = lines[0]
        else:
            assert isinstance(key, ec.EllipticCurvePrivateKey)
            self.add(name, key.private_numbers().private_value.to_bytes(32))
            self.secrets[f"{name} (PEM)"] = lines[0]

    def found_in(self, data: bytes, allowed: tuple[str, ...] = ()) -> list[str]:
        """Names of the secrets that stand in some bytes."""
        return [
            name for name, secret in self.secrets.items() if secret in data and not name.startswith(allowed)
        ]


@pytest.fixture(scope="module")
def life(stage: Stage) -> Life:
    """An administrator, a user, a node of the test's, a real agent, sessions, refusals, a proxy."""
    life = Life(stage)
    state = stage.stack.server_state
    assert stage.admin.credentials is not None
    life.add("admin's secret", stage.admin.credentials.secret_access_key)
    life.add("master key", base64.b64decode((state / "master.key").read_bytes()))
    life.add_key("CA's private key", (state / "ca.key").read_bytes())
    life.add_key("server's private key", (state / "tls.pem").read_bytes())
    life.add_key("audit log's private key", (state / "audit.key").read_bytes())

    allowed = ["ssm:*", "sts:*"]
    alice = stage.add_user("alice", [{"Effect": "Allow", "Action": allowed, "Resource": "*"}])
    assert alice.credentials is not None
    life.add("alice's secret", alice.credentials.secret_access_key)

    _temporary_credentials(life, alice)
    created = stage.admin.iam("CreateVirtualMFADevice", VirtualMFADeviceName="phone").expect(200)
    base32 = base64.b64decode(created.text.partition("<Base32StringSeed>")[2].partition("<")[0])
    life.add("MFA device's seed", base64.b32decode(base32 + b"=" * (-len(base32) % 8)))
    life.add("MFA device's base32 text", base32)

    activation = stage.add_activation()
    life.add("activation code", activation["ActivationCode"])
    node = Node(stage, activation)
    assert node.credentials is not None
    assert node.credentials.session_token is not None
    life.add("node's secret", node.credentials.secret_access_key)
    life.add("node's session token", node.credentials.session_token)
    life.add_key("node's private key", node.key.private_pem)
    _sessions(life, alice, node)
    _refusals(life, alice, node, activation)

    life.agent = stage.stack.add_agent("own")
    life.add("agent's activation code", (stage.stack.directory / "activation-code-own").read_bytes())
    (key_file,) = life.agent.state.glob("key-*.pem")
    life.add_key("agent's private key", key_file.read_bytes())
    life.pids = [stage.stack.server.pid, life.agent.child.pid]
    _proxy(life)
    return life


def _temporary_credentials(life: Life, alice: Peer) -> None:
    """Those of a role and of a user, taken, used, and shown where they are not good for anything."""
    account = re.search(r"<Account>(\d+)<", alice.sts("GetCallerIdentity").expect(200).text)
    assert account is not None
    principal = {"AWS": f"arn:aws:iam::{account[1]}:root"}
    trust = {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}
    document = json.dumps({"Version": "2012-10-17", "Statement": trust})
    life.stage.admin.iam("CreateRole", RoleName="Deploy", AssumeRolePolicyDocument=document).expect(200)
    role_arn = f"arn:aws:iam::{account[1]}:role/Deploy"
    assumed = alice.sts("AssumeRole", RoleArn=role_arn, RoleSessionName="nightly").expect(200)
    own = alice.sts("GetSessionToken").expect(200)
    for whose, answer in (("role's", assumed), ("user's temporary", own)):
        key_id, secret, token = (
            html.unescape(found)
            for tag in ("AccessKeyId", "SecretAccessKey", "SessionToken")
            for found in re.findall(f"<{tag}>([^<]+)</{tag}>", answer.text)
        )
        life.add(f"{whose} secret", secret)
        life.add(f"{whose} session token", token)
        Peer(life.stage, Credentials(key_id, secret, token)).sts("GetCallerIdentity").expect(200)
        answers = [
            Peer(life.stage, Credentials(key_id, secret, token)).iam("CreateUser", UserName="mallory"),
            Peer(life.stage, Credentials(key_id, secret[::-1], token)).sts("GetCallerIdentity"),
            Peer(life.stage, Credentials(key_id, secret, token[:-2])).sts("GetCallerIdentity"),
            Peer(life.stage, Credentials(key_id, secret, token[9:])).ssm("DescribeSessions", State="Active"),
        ]
        assert all(answer.status >= 400 for answer in answers)
        life.texts += [answer.text for answer in answers]


def _sessions(life: Life, alice: Peer, node: Node) -> None:
    with node.control_channel():
        for number, used in enumerate((True, False)):
            grant = alice.start_session(node)
            life.add(f"client's token {number}", grant.token)
            agent_token = node.channel_call(f"/v1/data-channel/{grant.session_id}").expect(201).token
            life.add(f"agent's token {number}", agent_token)
            if used:
                with alice.client_channel(grant):
                    resumed = alice.ssm("ResumeSession", SessionId=grant.session_id).expect(200).json
                    life.add("resumed token", resumed["TokenValue"])
        control = node.channel_call(f"/v1/control-channel/{node.id}").expect(201).token
        life.add("control channel's token", control)
        _refused_token(life, alice, grant)


def _refused_token(life: Life, alice: Peer, grant: Grant) -> None:
    """A good token for the wrong session: the refusal must not repeat it."""
    with alice.websocket(data_channel(grant.session_id + "x")) as channel:
        channel.send(client_open(grant.token))
        life.texts.append(repr(goodbye(channel)))


def _refusals(life: Life, alice: Peer, node: Node, activation: dict[str, str]) -> None:
    """Errors of every kind, with secrets in the requests that cause them."""
    assert alice.credentials is not None
    assert node.credentials is not None
    code = activation["ActivationCode"]
    used_up = {"Fingerprint": "x", "PublicKey": node.key.public_base64, "PublicKeyType": "Rsa"}
    wrong = Credentials(alice.credentials.access_key_id, alice.credentials.secret_access_key[::-1])
    stranger = Credentials("AKIAAAAAAAAAAAAAAAAA", alice.credentials.secret_access_key)
    token = node.credentials.session_token
    halves = Credentials("ASIAAAAAAAAAAAAAAAAA", node.credentials.secret_access_key, token)
    secret = alice.credentials.secret_access_key
    answers = [
        Peer(life.stage).ssm(
            "RegisterManagedInstance", ActivationId=activation["ActivationId"], ActivationCode=code, **used_up
        ),
        Peer(life.stage).ssm(
            "RegisterManagedInstance", ActivationId="x" * 36, ActivationCode=code, **used_up
        ),
        Peer(life.stage).ssm("RegisterManagedInstance", ActivationCode=code),
        Peer(life.stage, wrong).ssm("DescribeSessions", State="Active"),
        Peer(life.stage, stranger).ssm("DescribeSessions", State="Active"),
        Peer(life.stage, halves).ssm("DescribeSessions", State="Active"),
        alice.ssm("StartSession", Target=node.id, DocumentName="AWS-StartSSHSession"),
        alice.iam("CreateAccessKey", UserName="admin"),
        alice.iam("DeleteAccessKey", UserName="alice", AccessKeyId=alice.credentials.access_key_id),
        node.ssm("DescribeSessions", State="Active"),
        Peer(life.stage).send("GET", "/", [("Host", f"127.0.0.1:{life.stage.port}"), ("X-Secret", secret)]),
    ]
    assert all(answer.status >= 400 for answer in answers)
    life.texts += [answer.text for answer in answers]


def _proxy(life: Life) -> None:
    """A client that is connected, and looked at while it is."""
    assert life.agent is not None
    command = [SCRIPTS / "fairlead", "proxy", life.agent.node_id, str(life.stage.port)]
    with life.stage.logging(": the client joined"):
        proxy = subprocess.Popen(
            command,
            env=life.stage.stack.env | {"FAIRLEAD_LOG": str(life.stage.stack.directory / "proxy.log")},
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
    life.texts.append(_command_lines([proxy.pid, *life.pids]))
    _, stderr = proxy.communicate(b"", timeout=PATIENCE_S)
    life.proxy_stderr = stderr.decode()


def test_the_small_life_had_the_secrets_that_it_is_about(life: Life) -> None:
    """Each is found where it belongs: so the search can find."""
    state, agent = life.stage.stack.server_state, life.agent
    assert agent is not None
    (key_file,) = agent.state.glob("key-*.pem")
    for name, file in {
        "admin's secret": state / "admin.env",
        "master key (base64)": state / "master.key",
        "CA's private key (PEM)": state / "ca.key",
        "server's private key (PEM)": state / "tls.pem",
        "agent's private key (PEM)": key_file,
        "agent's activation code": life.stage.stack.directory / "activation-code-own",
    }.items():
        assert name in life.found_in(file.read_bytes()), file.name
    kinds = {name.partition(" (")[0] for name in life.secrets}
    assert len(kinds) == 24


@pytest.mark.parametrize(
    "pattern", ["fairlead.db*", "installation.json", "lock", "ca.pem", "ca-bundle.pem", "audit-checkpoint"]
)
def test_no_secret_is_in_a_file_that_is_not_made_for_it(life: Life, pattern: str) -> None:
    """The database with its write-ahead log holds digests and sealed values only."""
    files = list(life.stage.stack.server_state.glob(pattern))
    assert files
    for file in files:
        assert life.found_in(file.read_bytes()) == [], file.name


def test_the_key_files_hold_their_own_key_and_no_other(life: Life) -> None:
    own = {
        "master.key": "master key",
        "ca.key": "CA's private key",
        "tls.pem": "server's private key",
        "audit.key": "audit log's private key",
        "admin.env": "admin's secret",
    }
    for name, secret in own.items():
        path = life.stage.stack.server_state / name
        assert life.found_in(path.read_bytes(), allowed=(secret,)) == [], name
        assert path.stat().st_mode & 0o077 == 0, name
    assert life.stage.stack.server_state.stat().st_mode & 0o077 == 0


def test_access_key_secrets_are_in_the_database_sealed(life: Life) -> None:
    """What is kept opens under the master key only, so it is there, as something else."""
    assert life.stage.audit("CreateAccessKey", error_code=None)
    stored = b"".join(path.read_bytes() for path in life.stage.stack.server_state.glob("fairlead.db*"))
    assert life.stage.admin.credentials is not None
    assert life.stage.admin.credentials.access_key_id.encode() in stored
    assert life.found_in(stored) == []


def test_no_secret_is_in_the_audit_trail(life: Life) -> None:
    events = [
        "CreateFirstIdentities",
        "CreateAccessKey",
        "CreateVirtualMFADevice",
        "AssumeRole",
        "GetSessionToken",
        "CreateActivation",
        "RegisterManagedInstance",
        "StartSession",
        "ResumeSession",
        "ChannelTokenRefused",
    ]
    for event in events:
        records = life.stage.audit(event)
        assert records, event
        assert life.found_in(repr(records).encode()) == [], event
    assert "HIDDEN_DUE_TO_SECURITY_REASONS" in repr(life.stage.audit("StartSession"))


def test_no_secret_is_in_a_log(life: Life) -> None:
    logs = [*life.stage.stack.directory.glob("*.log")]
    assert {log.name for log in logs} >= {"server.log", "agent-own.log", "proxy.log"}
    for log in logs:
        assert life.found_in(log.read_bytes()) == [], log.name


def test_no_secret_is_in_an_error_text(life: Life) -> None:
    for text in [*life.texts, life.proxy_stderr]:
        assert life.found_in(text.encode()) == [], text


def test_no_secret_is_in_the_arguments_of_a_process_or_the_environment_of_the_agent(life: Life) -> None:
    """The administrator's key is in the environment of the test's own children, as with any AWS program."""
    for pid in life.pids:
        assert life.found_in(Path(f"/proc/{pid}/cmdline").read_bytes()) == []
        environ = Path(f"/proc/{pid}/environ").read_bytes()
        assert life.found_in(environ, allowed=("admin's secret",)) == []


def test_what_the_agent_keeps_is_its_key_alone_for_its_owner(life: Life) -> None:
    assert life.agent is not None
    for file in life.agent.state.rglob("*"):
        if file.is_file():
            assert file.stat().st_mode & 0o077 == 0, file.name
            assert life.found_in(file.read_bytes(), allowed=("agent's private key",)) == [], file.name


def _command_lines(pids: list[int]) -> str:
    return "\n".join(Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode() for pid in pids)
