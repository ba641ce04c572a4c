"""What real HAProxys (2.6 and 3.4) said of members in each state, and what is none of that."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from whisper_proxy import pool_stats
from whisper_proxy.pool_stats import COMMAND, Member, UnknownError, ask, parse

RECORDINGS = Path(__file__).parent / "recordings"
VERSIONS = ("2.6", "3.4")


def recorded(version: str) -> str:
    return (RECORDINGS / f"haproxy-{version}-stat.csv").read_text()


@asynccontextmanager
async def saying(folder: Path, text: bytes, seconds: float = 0.0) -> AsyncIterator[str]:
    """Something at a socket that answers any command with this."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        assert await reader.readline() == COMMAND
        await asyncio.sleep(seconds)
        writer.write(text)
        writer.close()

    path = str(folder / "s")
    server = await asyncio.start_unix_server(answer, path)
    try:
        yield path
    finally:
        server.close()


@pytest.mark.parametrize("version", VERSIONS)
def test_each_state_is_told_and_why(version: str) -> None:
    refused = {
        "2.6": "Connection refused",
        "3.4": "ECONNREFUSED returned by OS (Connection refused)",
    }
    assert parse(recorded(version)) == (
        Member("well", "up", slots=2),
        Member("degraded", "degraded", problem="its /health says degraded"),
        Member("ill", "down", problem="L7STS: Service Unavailable"),
        Member("resting", "drained"),
        Member("kept.out", "drained"),
        Member("gone", "down", problem=f"L4CON: {refused[version]}"),
        Member("nameless", "down", problem="its name leads nowhere"),
    )


@pytest.mark.parametrize("version", VERSIONS)
def test_what_it_has_as_the_last_resort_is_added(version: str) -> None:
    text = recorded(version).replace("members,degraded,0,0,0,0", "members,degraded,1,0,2,0")
    text = text.replace("members,degraded:degraded,0,0,0,0", "members,degraded:degraded,3,0,4,0")
    degraded = parse(text)[1]
    assert (degraded.running, degraded.waiting) == (6, 4)


def test_one_that_begins_to_fail_is_up_but_does_not_serve() -> None:
    text = recorded("2.6").replace(",UP,1,1,0,", ",UP 2/3,1,1,0,", 1)
    text = text.replace(",L7OK,200,", ",* L4TOUT,,", 1)
    assert parse(text)[0].state == "up"
    assert (parse(text)[0].serves, parse(recorded("2.6"))[0].serves) == (False, True)


def test_one_that_was_down_and_answers_is_degraded() -> None:
    text = recorded("2.6").replace(",NOLB,", ",DOWN,")
    assert parse(text)[1].state == "degraded"


def test_a_degraded_one_has_another_name_for_haproxy() -> None:
    assert [member.server for member in parse(recorded("2.6"))[:2]] == [
        "well",
        "degraded:degraded",
    ]


async def test_it_is_asked_at_its_socket(tmp_path: Path) -> None:
    async with saying(tmp_path, recorded("3.4").encode()) as socket:
        assert len(await ask(socket)) == 7


@pytest.mark.parametrize(
    "text", [b"", b"No such proxy.\n", b"\xff\xfe", recorded("2.6").encode()[:900], b"a,b\n1,2\n"]
)
async def test_what_is_no_statistics_tells_nothing(tmp_path: Path, text: bytes) -> None:
    async with saying(tmp_path, text) as socket:
        with pytest.raises(UnknownError):
            await ask(socket)


async def test_nobody_at_the_socket_tells_nothing(tmp_path: Path) -> None:
    with pytest.raises(UnknownError):
        await ask(str(tmp_path / "s"))


async def test_who_does_not_answer_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool_stats, "SECONDS", 0.05)
    async with saying(tmp_path, b"", seconds=0.2) as socket:
        with pytest.raises(UnknownError):
            await ask(socket)
        await asyncio.sleep(0.2)
