"""Which errors of the loop are worth a line."""

import asyncio

from fairlead.transport.loop_errors import quieten_failed_handshakes


def handled(context, *, with_handler: bool) -> list:
    loop = asyncio.new_event_loop()
    seen: list = []
    try:
        loop.default_exception_handler = lambda context: seen.append(("default", context))
        if with_handler:
            loop.set_exception_handler(lambda loop, context: seen.append(("own", context)))
        quieten_failed_handshakes(loop)
        loop.call_exception_handler(context)
    finally:
        loop.close()
    return [where for where, _ in seen]


def test_a_failed_handshake_is_not_worth_a_line():
    context = {"message": "SSL handshake failed", "exception": ConnectionResetError}
    assert handled(context, with_handler=True) == []
    assert handled(context, with_handler=False) == []


def test_everything_else_goes_where_it_went_before():
    context = {"message": "something else", "exception": ValueError()}
    assert handled(context, with_handler=True) == ["own"]
    assert handled(context, with_handler=False) == ["default"]
    assert handled({}, with_handler=True) == ["own"]
