import asyncio

from whisper_proxy.log_context import add_log_context, begin_log_context


async def test_each_request_has_its_own_context() -> None:
    async def request(number: int) -> dict[str, int]:
        context = begin_log_context()
        await asyncio.sleep(0)
        add_log_context(number=number)
        return context

    assert await asyncio.gather(request(1), request(2)) == [{"number": 1}, {"number": 2}]


def test_outside_a_request_nothing_is_recorded() -> None:
    add_log_context(number=1)
