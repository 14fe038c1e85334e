import asyncio
import ssl

from fairlead.server.http_server import TLS_BUFFERS, with_tls_buffers


def _options(**options: object) -> dict[str, object]:
    """What the loop's own function is given."""
    given: list[dict[str, object]] = []

    async def create_server(*_: object, **options: object) -> asyncio.Server:
        given.append(options)
        return None  # type: ignore[return-value]  # nobody asks

    asyncio.run(with_tls_buffers(create_server)("factory", **options))
    return given[0]


def test_a_listener_for_tls_has_buffers_that_fit_into_no_hole_of_the_heap() -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    assert _options(ssl=context, backlog=1) == {"ssl": context, "backlog": 1, **TLS_BUFFERS}


def test_a_listener_without_tls_has_none() -> None:
    assert _options(ssl=None) == {"ssl": None}


def test_whoever_names_a_size_gets_it() -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    assert _options(ssl=context, ssl_incoming_bio_size=1 << 20)["ssl_incoming_bio_size"] == 1 << 20
