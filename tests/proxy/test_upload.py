"""Forms as they are received, read by a small test application."""

import asyncio
import errno
import io
from collections.abc import AsyncIterator

import pytest
from aiohttp import FormData, web
from aiohttp.test_utils import TestClient, TestServer
from whisper_proxy import upload
from whisper_proxy.errors import ApiError
from whisper_proxy.keys import SETTINGS, SPOOLS
from whisper_proxy.settings import Settings
from whisper_proxy.spool import MEMORY_BYTES, MIB, Spool, SpoolBudget
from whisper_proxy.upload import MIN_BYTES_A_SECOND, read_body, read_form

from .samples import Client

BOUNDARY = {"Content-Type": "multipart/form-data; boundary=b"}
FILE = b'--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\naudio\r\n'
PROMPT = b'--b\r\nContent-Disposition: form-data; name="prompt"\r\n\r\nhi\r\n'
END = b"--b--\r\n"
BEGUN = web.AppKey("begun", asyncio.Event)


def field(name: str, value: bytes) -> bytes:
    head = f'--b\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n'
    return head.encode() + value + b"\r\n"


async def receive(request: web.Request) -> web.Response:
    try:
        with request.app[SPOOLS].upload() as audio:
            fields = await read_form(request, audio, request.app[BEGUN].set)
            with audio.open() as file:
                return web.json_response({"fields": fields, "audio": file.read().decode("latin-1")})
    except ApiError as error:
        return web.json_response({"error": error.message}, status=error.status)


async def receive_whole(request: web.Request) -> web.Response:
    try:
        with request.app[SPOOLS].upload() as body:
            await read_body(request, body)
            with body.open() as file:
                return web.json_response({"body": file.read().decode("latin-1")})
    except ApiError as error:
        return web.json_response({"error": error.message}, status=error.status)


@pytest.fixture
async def receiver() -> AsyncIterator[Client]:
    app = web.Application()
    app[SETTINGS] = Settings(max_upload=1, idle_timeout=1)
    app[BEGUN] = asyncio.Event()
    app[SPOOLS] = SpoolBudget(4 * MIB, 2)
    app.router.add_post("/", receive)
    app.router.add_post("/whole", receive_whole)
    async with TestClient(TestServer(app)) as client:
        yield client


async def test_its_first_bytes_are_told_of_before_the_rest_is_there(receiver: Client) -> None:
    async def halves() -> AsyncIterator[bytes]:
        yield FILE
        await asyncio.wait_for(begun(receiver).wait(), 5)
        yield END

    async with receiver.post("/", data=halves(), headers=BOUNDARY) as response:
        assert (await response.json())["audio"] == "audio"


@pytest.mark.parametrize("headers", [{"Content-Type": "audio/wav"}, BOUNDARY])
async def test_what_is_refused_or_empty_has_not_begun(
    receiver: Client, headers: dict[str, str]
) -> None:
    body = b"" if headers is BOUNDARY else FILE
    async with receiver.post("/", data=body, headers=headers) as response:
        assert response.status == 400
    assert not begun(receiver).is_set()


def begun(receiver: Client) -> asyncio.Event:
    app = receiver.app
    assert app
    return app[BEGUN]


@pytest.mark.parametrize("body", [FILE + PROMPT + END, PROMPT + FILE + END])
async def test_parts_come_in_any_order(receiver: Client, body: bytes) -> None:
    async with receiver.post("/", data=body, headers=BOUNDARY) as response:
        assert await response.json() == {"fields": {"prompt": ["hi"]}, "audio": "audio"}


async def test_a_field_sent_twice_is_a_list_in_order(receiver: Client) -> None:
    body = PROMPT + field("prompt", b"ho") + FILE + END
    async with receiver.post("/", data=body, headers=BOUNDARY) as response:
        assert (await response.json())["fields"] == {"prompt": ["hi", "ho"]}


@pytest.mark.parametrize("name", ["audio_file", "known_speaker_references[]", "x"])
async def test_a_part_that_is_not_known_is_skipped(receiver: Client, name: str) -> None:
    head = f'--b\r\nContent-Disposition: form-data; name="{name}"; filename="a"\r\n\r\n'
    part = head.encode() + b"\xff\0" * upload.MAX_FIELDS_BYTES + b"\r\n"
    body = part + FILE + part + PROMPT + END
    async with receiver.post("/", data=body, headers=BOUNDARY) as response:
        assert await response.json() == {"fields": {"prompt": ["hi"]}, "audio": "audio"}


async def test_a_text_may_have_a_file_name_and_a_type(receiver: Client) -> None:
    head = b"; filename=a.txt\r\nContent-Type: text/plain; charset=utf-8\r\n"
    body = PROMPT.replace(b"\r\n\r\n", head + b"\r\n") + FILE + END
    async with receiver.post("/", data=body, headers=BOUNDARY) as response:
        assert (await response.json())["fields"] == {"prompt": ["hi"]}


@pytest.mark.parametrize(
    ("charset", "sent", "text"),
    [
        ("ISO-8859-1", b"Gr\xfc\xdfe", "Grüße"),
        ('"windows-1252"', b"\x93Hi\x94", "“Hi”"),
        ("utf-8", "Grüße".encode(), "Grüße"),
        ("punycode", "Grüße".encode(), "Grüße"),
    ],
)
async def test_a_text_is_in_the_charset_that_it_names(
    receiver: Client, charset: str, sent: bytes, text: str
) -> None:
    head = f"\r\nContent-Type: text/plain; charset={charset}\r\n\r\n".encode()
    prompt = PROMPT.replace(b"\r\n\r\nhi", head + sent)
    body = prompt + field("language", "ö".encode()) + FILE + END
    async with receiver.post("/", data=body, headers=BOUNDARY) as response:
        assert (await response.json())["fields"] == {"prompt": [text], "language": ["ö"]}


async def test_a_chunked_body_is_read(receiver: Client) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        yield PROMPT
        yield FILE + END

    async with receiver.post("/", data=chunks(), headers=BOUNDARY) as response:
        assert (await response.json())["audio"] == "audio"


@pytest.mark.parametrize("size", [1, MEMORY_BYTES, MEMORY_BYTES + 1, MIB])
async def test_audio_of_any_size_arrives_whole(receiver: Client, size: int) -> None:
    audio = (bytes(range(251)) * (size // 251 + 1))[:size]
    form = FormData()
    form.add_field("file", io.BytesIO(audio), filename="a.wav")
    async with receiver.post("/", data=form) as response:
        assert (await response.json())["audio"].encode("latin-1") == audio


MALFORMED = {
    "no boundary named": ({"Content-Type": "multipart/form-data"}, FILE + END),
    "another boundary": (
        {"Content-Type": "multipart/form-data; boundary=c"},
        FILE + END,
    ),
    "no body": (BOUNDARY, b""),
    "cut in the audio": (BOUNDARY, FILE[:-4]),
    "cut before the end": (BOUNDARY, FILE + b"--b"),
    "junk": (BOUNDARY, b"\x00\xff" * 100),
    "a form in the form": (
        BOUNDARY,
        FILE[:5] + b"Content-Type: multipart/mixed; boundary=c\r\n\r\n",
    ),
    "JSON": ({"Content-Type": "application/json"}, b"{}"),
    "no file": (BOUNDARY, PROMPT + END),
    "an empty file": (BOUNDARY, FILE.replace(b"audio", b"") + END),
    "two files": (BOUNDARY, FILE + FILE + END),
    "no UTF-8": (BOUNDARY, field("prompt", b"\xff") + FILE + END),
    "many parts": (BOUNDARY, PROMPT * upload.MAX_PARTS + FILE + END),
}


@pytest.mark.parametrize("case", MALFORMED)
async def test_a_broken_form_is_a_400(receiver: Client, case: str) -> None:
    headers, body = MALFORMED[case]
    async with receiver.post("/", data=body, headers=headers) as response:
        assert response.status == 400
        assert (await response.json())["error"]


async def test_who_sets_the_content_type_by_hand_is_told_so(receiver: Client) -> None:
    headers = {"Content-Type": "multipart/form-data"}
    async with receiver.post("/", data=FILE + END, headers=headers) as response:
        error = (await response.json())["error"]
    assert error == "Content-Type names no boundary. Leave this header to your HTTP library."


async def test_large_fields_are_a_413(receiver: Client) -> None:
    half = b"x" * (upload.MAX_FIELDS_BYTES // 2 + 1)
    body = field("prompt", half) + field("keywords[]", half) + FILE + END
    async with receiver.post("/", data=body, headers=BOUNDARY) as response:
        assert response.status == 413
        assert (await response.json())["error"] == "The fields beside `file` exceed 64 KiB."


async def test_large_audio_is_a_413(receiver: Client) -> None:
    body = FILE.replace(b"audio", bytes(MIB + 1)) + END
    async with receiver.post("/", data=io.BytesIO(body), headers=BOUNDARY) as response:
        assert response.status == 413
        assert (await response.json())["error"] == "The audio is larger than 1 MiB."


async def test_a_large_body_is_refused_by_its_length(receiver: Client) -> None:
    body = b"not read at all".ljust(2 * MIB)
    async with receiver.post("/", data=io.BytesIO(body), headers=BOUNDARY) as response:
        assert response.status == 413


async def test_an_upload_that_stalls_is_a_408(receiver: Client) -> None:
    ended = asyncio.Event()

    async def stalling() -> AsyncIterator[bytes]:
        yield FILE
        await ended.wait()

    async with receiver.post("/", data=stalling(), headers=BOUNDARY) as response:
        assert response.status == 408
    ended.set()


async def test_a_drip_is_cut_off_though_it_never_stalls(receiver: Client) -> None:
    async def dripping() -> AsyncIterator[bytes]:
        yield FILE
        while True:
            await asyncio.sleep(0.2)
            yield b"x"

    async with asyncio.timeout(3), receiver.post("/", data=dripping(), headers=BOUNDARY) as answer:
        assert answer.status == 408


async def test_a_slow_phone_gets_through(receiver: Client) -> None:
    async def phone() -> AsyncIterator[bytes]:
        yield FILE.rstrip()
        for _ in range(10):  # 64 kbit/s, in bursts: twice as long as a stall may last
            await asyncio.sleep(0.2)
            yield bytes(2 * MIN_BYTES_A_SECOND // 5)
        yield b"\r\n" + END

    async with receiver.post("/", data=phone(), headers=BOUNDARY) as response:
        assert response.status == 200


async def test_parts_that_nobody_keeps_have_an_end_too(receiver: Client) -> None:
    async def preamble() -> AsyncIterator[bytes]:
        for _ in range(40):
            yield bytes(MIB // 16)

    async with receiver.post("/", data=preamble(), headers=BOUNDARY) as response:
        assert response.status == 413


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
async def test_a_full_disk_is_a_507(
    receiver: Client, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    def full(*_: object) -> None:
        raise OSError(number, "No room")

    monkeypatch.setattr(Spool, "write", full)
    async with receiver.post("/", data=FILE + END, headers=BOUNDARY) as response:
        assert response.status == 507


async def test_too_many_uploads_are_refused_before_they_are_read(receiver: Client) -> None:
    ended = asyncio.Event()

    async def waiting() -> AsyncIterator[bytes]:
        yield FILE
        await ended.wait()
        yield END

    async def status(body: object) -> int:
        async with receiver.post("/", data=body, headers=BOUNDARY) as response:
            return response.status

    first = [asyncio.create_task(status(waiting())) for _ in range(2)]
    await asyncio.sleep(0.1)
    assert await status(FILE + END) == 503
    ended.set()
    assert await asyncio.gather(*first) == [200, 200]
    assert await status(FILE + END) == 200


class TestWhole:
    """As a gateway to a pool receives it."""

    @pytest.mark.parametrize("size", [0, 10, 700_000])
    async def test_it_is_kept_as_it_comes(self, receiver: Client, size: int) -> None:
        body = b"\xff" * size
        async with receiver.post("/whole", data=body, headers=BOUNDARY) as response:
            assert await response.json() == {"body": body.decode("latin-1")}
        assert receiver.app
        assert receiver.app[SPOOLS].used == 0

    async def test_chunks_are_one_body(self, receiver: Client) -> None:
        async def chunks() -> AsyncIterator[bytes]:
            yield b"a"
            yield b"b"

        async with receiver.post("/whole", data=chunks(), headers=BOUNDARY) as response:
            assert await response.json() == {"body": "ab"}

    @pytest.mark.parametrize("declared", [True, False])
    async def test_too_much_is_refused(self, receiver: Client, declared: bool) -> None:
        async def pieces() -> AsyncIterator[bytes]:
            for _ in range(20):
                yield bytes(MIB // 10)

        body = io.BytesIO(bytes(2 * MIB)) if declared else pieces()
        async with receiver.post("/whole", data=body, headers=BOUNDARY) as response:
            assert response.status == 413

    async def test_no_form_is_refused(self, receiver: Client) -> None:
        for kind in ("audio/wav", "multipart/form-data"):
            async with receiver.post("/whole", data=b"x", headers={"Content-Type": kind}) as answer:
                assert answer.status == 400

    async def test_a_stall_is_told(self, receiver: Client) -> None:
        async def begun() -> AsyncIterator[bytes]:
            yield FILE
            await asyncio.sleep(3)

        async with receiver.post("/whole", data=begun(), headers=BOUNDARY) as response:
            assert response.status == 408
