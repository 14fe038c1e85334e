"""When role credentials are renewed, how long to wait after a refusal, and what the log says about it."""

import asyncio

import pytest

from fairlead.agent.credentials import RoleCredentials, explain, is_lasting, renewal_delay_s
from fairlead.agent.errors import MalformedAnswerError, ServiceError
from fairlead.agent.identity import Registration, StateDirectory
from fairlead.agent.service_client import RoleToken


class Service:
    """Answers with what it is given, one after the other; an exception is raised."""

    def __init__(self, *answers):
        self.answers = list(answers)

    async def request_role_token(self, fingerprint, signer, now):
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


def credentials(tmp_path, service, now=1000.0):
    state = StateDirectory(tmp_path)
    key_file = state.write_key(b"key")
    registration = Registration(
        instance_id="mi-1", region="us-east-1", endpoint="https://e", fingerprint="f", key_file=key_file
    )
    return RoleCredentials(
        state, registration, service, clock=lambda: now, uniform=lambda low, high: (low + high) / 2
    )


def token(expires_at=4600.0):
    return RoleToken("AKID", "secret", "session", expires_at, False)


@pytest.mark.parametrize(("now", "delay"), [(0, 1800), (600, 1200), (1800, 0), (9999, 0)])
def test_renewal_is_due_at_half_of_the_life(now, delay):
    assert renewal_delay_s(0, 3600, now) == delay


def test_a_token_is_kept_and_renewed_at_half_its_life(tmp_path):
    async def scenario():
        keeper = credentials(tmp_path, Service(token()))
        assert await keeper._obtain() == 1800
        assert (await keeper.get()).access_key_id == "AKID"

    asyncio.run(scenario())


def test_credentials_about_to_expire_are_not_handed_out(tmp_path):
    async def scenario():
        keeper = credentials(tmp_path, Service(token(1020.0)))
        await keeper._obtain()
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(keeper.get(), 0.01)

    asyncio.run(scenario())


def test_passing_errors_are_retried_soon_with_growing_delays(tmp_path):
    async def scenario():
        problems = [ServiceError("Op", 500, "InternalServerError", "x"), MalformedAnswerError("y")]
        keeper = credentials(tmp_path, Service(*problems, token(), problems[0]))
        assert [await keeper._obtain() for _ in range(2)] == [0.5, 1.0]
        await keeper._obtain()
        assert await keeper._obtain() == 0.5, "a success starts over"

    asyncio.run(scenario())


def test_while_sessions_wait_for_the_first_credentials_the_delays_stay_short(tmp_path):
    async def scenario():
        problem = ServiceError("Op", 500, "InternalServerError", "x")
        keeper = credentials(tmp_path, Service(*[problem] * 4, token(), *[problem] * 4))
        keeper.hurry()
        assert [await keeper._obtain() for _ in range(4)] == [0.5, 1.0, 1.0, 1.0]
        await keeper._obtain()
        assert [await keeper._obtain() for _ in range(4)] == [0.5, 1.0, 2.0, 4.0]

    asyncio.run(scenario())


@pytest.mark.parametrize(
    "code", ["MachineFingerprintDoesNotMatch", "AccessDeniedException", "InvalidInstanceId"]
)
def test_refusals_that_only_an_operator_can_change_wait_long(tmp_path, code, caplog):
    async def scenario():
        keeper = credentials(tmp_path, Service(ServiceError("Op", 400, code, "no")))
        assert await keeper._obtain() == 225

    assert is_lasting(ServiceError("Op", 400, code, "no"))
    asyncio.run(scenario())
    (record,) = caplog.records
    assert "register it again" in record.getMessage()


def test_distrust_brings_a_renewal_forward_but_not_after_a_refusal(tmp_path):
    async def scenario():
        refusal = ServiceError("Op", 400, "AccessDeniedException", "no")
        service = Service(token(), token(), refusal, token())
        keeper = credentials(tmp_path, service)
        running = asyncio.ensure_future(keeper.run())
        for left in (2, 1, 1):
            await keeper.get()
            keeper.distrust()
            for _ in range(5):
                await asyncio.sleep(0)
            assert len(service.answers) == left
        running.cancel()

    asyncio.run(scenario())


def test_a_clock_that_is_off_is_named():
    error = ServiceError("Op", 403, "SignatureDoesNotMatch", "no", clock_offset_s=-600.0)
    assert "clock differs from the server's by -600 s" in explain(error)
    assert "clock" not in explain(ServiceError("Op", 403, "SignatureDoesNotMatch", "no", clock_offset_s=3.0))


def test_a_missing_key_file_says_what_to_do(tmp_path, caplog):
    async def scenario():
        keeper = credentials(tmp_path, Service())
        next(tmp_path.glob("key-*")).unlink()
        await keeper._obtain()

    asyncio.run(scenario())
    assert "private key is missing; register again" in caplog.text
