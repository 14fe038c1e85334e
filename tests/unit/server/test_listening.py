import resource
import socket
from typing import ClassVar

import pytest

from fairlead.server import listening
from fairlead.server.errors import StartError
from fairlead.server.listening import bind, listen
from fairlead.server.settings import ListenAddress


class _FakeSocket:
    """Remembers where it was bound; refuses with `error`."""

    bound: ClassVar[list[tuple[int, tuple[object, ...]]]] = []
    error: OSError | None = None
    spared: tuple[int, ...] = ()

    def __init__(self, family: int, _kind: int, _protocol: int) -> None:
        self.family = family
        self.place: tuple[object, ...] = ()

    def setsockopt(self, *_: object) -> None: ...
    def setblocking(self, _: bool) -> None: ...
    def close(self) -> None: ...

    def bind(self, place: tuple[object, ...]) -> None:
        if self.error is not None and self.family not in self.spared:
            raise self.error
        self.place = (place[0], place[1] or 4711, *place[2:])
        self.bound.append((self.family, self.place))

    def getsockname(self) -> tuple[object, ...]:
        return self.place


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> type[_FakeSocket]:
    monkeypatch.setattr(_FakeSocket, "bound", [])
    monkeypatch.setattr(_FakeSocket, "error", None)
    monkeypatch.setattr(_FakeSocket, "spared", ())
    monkeypatch.setattr(listening.socket, "socket", _FakeSocket)
    monkeypatch.setattr(
        listening.socket,
        "getaddrinfo",
        lambda *_, **__: [
            (socket.AF_INET6, socket.SOCK_STREAM, 6, "", ("::1", 0, 0, 0)),
            (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", 0)),
            (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", 0)),
        ],
    )
    return _FakeSocket


def test_a_name_with_two_addresses_is_served_on_both_and_one_port(fake: type[_FakeSocket]) -> None:
    assert len(bind(ListenAddress("localhost", 0))) == 2
    assert fake.bound == [
        (socket.AF_INET6, ("::1", 4711, 0, 0)),
        (socket.AF_INET, ("127.0.0.1", 4711)),
    ]


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (98, "port is in use"),
        (13, "below 1024"),
        (99, "does not have that address"),
        (5, "Input/output error"),
    ],
)
def test_what_prevents_listening_is_explained(fake: type[_FakeSocket], number: int, text: str) -> None:
    fake.error = OSError(number, "Input/output error")
    with pytest.raises(StartError, match=text):
        bind(ListenAddress("localhost", 443))


def test_an_address_that_the_machine_lacks_is_left_out_while_there_is_another(
    fake: type[_FakeSocket],
) -> None:
    fake.error, fake.spared = OSError(99, "Cannot assign requested address"), (socket.AF_INET,)
    assert len(bind(ListenAddress("localhost", 0))) == 1
    assert fake.bound == [(socket.AF_INET, ("127.0.0.1", 4711))]


def test_of_two_servers_that_bind_a_port_together_the_second_to_listen_is_told() -> None:
    with bind(ListenAddress("127.0.0.1", 0))[0] as first:
        address = ListenAddress("127.0.0.1", first.getsockname()[1])
        with bind(address)[0] as second:
            listen(address, [first], 1)
            with pytest.raises(StartError, match="port is in use"):
                listen(address, [second], 1)


def test_a_host_that_nobody_knows_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise socket.gaierror("Name or service not known")

    monkeypatch.setattr(listening.socket, "getaddrinfo", fail)
    with pytest.raises(StartError, match=r"no\.such\.host:1.*not known"):
        bind(ListenAddress("no.such.host", 1))


def test_as_many_files_may_be_open_as_the_system_allows(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[int, tuple[int, int]]] = []
    monkeypatch.setattr(resource, "getrlimit", lambda _: (1024, 4096))
    monkeypatch.setattr(resource, "setrlimit", lambda kind, limits: asked.append((kind, limits)))
    listening.raise_open_files_limit()
    assert asked == [(resource.RLIMIT_NOFILE, (4096, 4096))]
