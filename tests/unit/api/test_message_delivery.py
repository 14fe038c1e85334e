import asyncio

from fairlead.api.message_delivery import GetMessagesRequest, GetMessagesResponse, MessagePolls
from tests.support.control_world import NODE_ID, World

REQUEST = GetMessagesRequest(destination=NODE_ID, messages_request_id="1")
NOTHING = GetMessagesResponse(destination=NODE_ID, messages_request_id="1", messages=())


def test_a_poll_ends_without_messages() -> None:
    async def poll() -> GetMessagesResponse:
        return await MessagePolls(poll_s=0).get_messages(World().node(), REQUEST)

    assert asyncio.run(poll()) == NOTHING


def test_polls_are_answered_when_the_server_stops() -> None:
    async def poll_and_stop() -> GetMessagesResponse:
        polls = MessagePolls(poll_s=3600)
        async with asyncio.TaskGroup() as tasks:
            polling = tasks.create_task(polls.get_messages(World().node(), REQUEST))
            await asyncio.sleep(0)
            assert not polling.done()
            polls.stop()
        return polling.result()

    assert asyncio.run(poll_and_stop()) == NOTHING
