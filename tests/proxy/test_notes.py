import asyncio

from whisper_proxy import notes


async def test_notes_stay_with_their_request() -> None:
    async def request(number: int) -> dict[str, int]:
        mine = notes.begin()
        await asyncio.sleep(0)
        notes.note(number=number)
        return mine

    assert await asyncio.gather(request(1), request(2)) == [{"number": 1}, {"number": 2}]


def test_outside_a_request_there_is_nowhere_to_note() -> None:
    notes.note(number=1)
