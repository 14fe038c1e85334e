"""The node's RSA key: making it, and signing with it.

The agent proves its identity with RSASSA-PSS over SigV4's string to sign (SHA-256, MGF1 with SHA-256, salt
of 32 bytes, standard base64). That happens about twice an hour, and the library for it holds some nine
megabytes; so a running agent has it done by a short-lived child process, this module run as a program:
`sign KEYFILE < TEXT > SIGNATURE` and `generate > KEYS`. Nothing secret stands in its arguments.
"""

from __future__ import annotations

import base64
import subprocess
import sys
import threading
from pathlib import Path
from typing import NamedTuple

from fairlead.agent.errors import IdentityError
from fairlead.transport.errors import printable

KEY_BITS = 2048
"""Size that the registration API takes (PublicKeyType "Rsa", 2048 bits)."""

SALT_BYTES = 32
CHILD_TIMEOUT_S = 30
"""How long a child process may take."""

MAX_TEXT_BYTES = 16 * 1024


_one_child = threading.Lock()


class KeyPair(NamedTuple):
    """A new key: the private half as unencrypted PKCS#8 PEM, the public one as the API takes it."""

    private_pem: bytes
    public_base64: str


def generate_key() -> KeyPair:
    """Make an RSA key."""
    from cryptography.hazmat.primitives.asymmetric import rsa

    return _pair(rsa.generate_private_key(public_exponent=65537, key_size=KEY_BITS))


def public_key(private_pem: bytes) -> str:
    """Base64 of the DER SubjectPublicKeyInfo of the key in `private_pem`. Raises `IdentityError`."""
    return _pair(_load(private_pem)).public_base64


def sign(private_pem: bytes, text: bytes) -> str:
    """The signature over `text`, base64. Raises `IdentityError` when the key cannot be used."""
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import padding

    pss = padding.PSS(mgf=padding.MGF1(hashes.SHA256()), salt_length=SALT_BYTES)
    return base64.b64encode(_load(private_pem).sign(text, pss, hashes.SHA256())).decode("ascii")


def sign_in_child(key_file: Path, text: str) -> str:
    """`sign` with the key in `key_file`, in a child process. Blocks for a fraction of a second."""
    return _run_child(["sign", str(key_file)], text.encode()).strip()


def generate_in_child() -> KeyPair:
    """`generate_key` in a child process. Blocks for a fraction of a second."""
    private_pem, _, public_base64 = _run_child(["generate"], b"").strip().rpartition("\n")
    return KeyPair(private_pem.encode() + b"\n", public_base64)


def hold_children(patience_s: float) -> bool:
    """Keep children from being started until `release_children`; false when one still runs after
    `patience_s`. Blocks. A child would be a stranger to a program that replaces this one."""
    return _one_child.acquire(timeout=patience_s)


def release_children() -> None:
    """Let children be started again."""
    _one_child.release()


def main(arguments: list[str]) -> int:
    """The child process."""
    try:
        if arguments == ["generate"]:
            pair = generate_key()
            sys.stdout.write(pair.private_pem.decode() + pair.public_base64)
        else:
            _, key_file = arguments
            sys.stdout.write(sign(Path(key_file).read_bytes(), sys.stdin.buffer.read(MAX_TEXT_BYTES)))
    except (OSError, ValueError, IdentityError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


def _run_child(arguments: list[str], given: bytes) -> str:
    command = [sys.executable, "-P", "-m", "fairlead.agent.keys", *arguments]
    try:
        with _one_child:
            done = subprocess.run(  # noqa: S603  # our own interpreter and module, a path we wrote
                command, input=given, capture_output=True, timeout=CHILD_TIMEOUT_S, check=False
            )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise IdentityError(f"the process that uses the node's key could not be run: {error}") from error
    if done.returncode != 0:
        reason = printable(done.stderr.decode("utf-8", "replace").strip().rpartition("\n")[2])
        raise IdentityError(f"the node's key could not be used: {reason}")
    return done.stdout.decode("ascii")


def _load(private_pem: bytes):  # type: ignore[no-untyped-def]  # naming the type would import the library at start
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    try:
        key = serialization.load_pem_private_key(private_pem, password=None)
    except (ValueError, TypeError) as error:
        raise IdentityError(f"the private key is damaged: {error}") from error
    if not isinstance(key, rsa.RSAPrivateKey):
        raise IdentityError("the private key is not an RSA key")
    return key


def _pair(key) -> KeyPair:  # type: ignore[no-untyped-def]  # as above
    from cryptography.hazmat.primitives import serialization

    private_pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    public_der = key.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return KeyPair(private_pem, base64.b64encode(public_der).decode("ascii"))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
