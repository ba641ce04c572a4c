"""The form parser, fed in pieces of every size."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some
from whisper_proxy.multipart import MalformedError, Multipart

FORM = (
    b"preamble\r\n--b\r\nContent-Disposition: form-data; name=prompt\r\n\r\nhi\r\n"
    b"--b\r\nContent-Type: audio/wav\r\n"
    b'content-disposition: form-data; filename="x; name=y";\r\n'
    b' name="file"\r\n\r\n\r\n-\r\n--a\r\n\r--\r\n--b\r\n'
    b"Content-Disposition: form-data; name=\"empty\"; filename*=UTF-8''x\r\n\r\n\r\n--b--epilogue"
)
PARTS = [("prompt", b"hi"), ("file", b"\r\n-\r\n--a\r\n\r--"), ("empty", b"")]


def form(body: bytes, size: int) -> Multipart:
    pieces = [body[at : at + size] for at in range(0, len(body), size)]

    async def read() -> bytes:
        return pieces.pop(0) if pieces else b""

    return Multipart("multipart/form-data; boundary=b", read)


async def parts(body: bytes, size: int = 1000) -> list[tuple[str, bytes]]:
    reader, result = form(body, size), []
    while name := await reader.next_part():
        chunks = []
        while chunk := await reader.chunk():
            chunks.append(chunk)
        result.append((name, b"".join(chunks)))
    return result


@pytest.mark.parametrize("size", range(1, 70))
async def test_pieces_of_any_size(size: int) -> None:
    assert await parts(FORM, size) == PARTS


@pytest.mark.parametrize("end", range(len(FORM) - len("--epilogue") + 2))
async def test_a_body_that_is_cut_is_malformed(end: int) -> None:
    with pytest.raises(MalformedError):
        await parts(FORM[:end], 7)


async def test_a_part_may_be_skipped() -> None:
    reader = form(FORM, 5)
    assert [await reader.next_part() for _ in range(4)] == ["prompt", "file", "empty", None]


async def test_nothing_is_copied_of_what_holds_no_delimiter() -> None:
    audio = bytes(100)
    pieces = [b'--b\r\nContent-Disposition: form-data; name="file"\r\n\r\n', audio]

    async def read() -> bytes:
        return pieces.pop(0)

    reader = Multipart("multipart/form-data; boundary=b", read)
    await reader.next_part()
    assert await reader.chunk() is audio


@settings(max_examples=200, deadline=None)
@given(
    content=some.lists(
        some.sampled_from([b"\r", b"\n", b"-", b"b", b"\r\n--", b"\r\n--c", b"x" * 9])
    ),
    size=some.integers(1, 20),
)
async def test_what_looks_like_a_boundary(content: list[bytes], size: int) -> None:
    audio = b"".join(content).replace(b"\r\n--b", b"")
    body = b'--b\r\nContent-Disposition: form-data; name="file"\r\n\r\n' + audio + b"\r\n--b--"
    if b"\r\n--b" not in audio:
        assert await parts(body, size) == [("file", audio)]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"junk",
        b"--bx\r\nContent-Disposition: form-data; name=a\r\n\r\n\r\n--b--",
        b"--b\nContent-Disposition: form-data; name=a\n\n\n--b--",
        b"--b\r\n\r\nno headers\r\n--b--",
        b"--b\r\nContent-Disposition: form-data\r\n\r\n\r\n--b--",
        b'--b\r\nContent-Disposition: form-data; name=""\r\n\r\n\r\n--b--',
        b"--b\r\nContent-Disposition: form-data; name=a\r\nX: "
        + b"x" * 9000
        + b"\r\n\r\n\r\n--b--",
    ],
)
async def test_malformed(body: bytes) -> None:
    with pytest.raises(MalformedError):
        await parts(body)


@pytest.mark.parametrize(
    ("head", "name"),
    [
        ('name="a"', "a"),
        ("NAME=a ; x=y", "a"),
        ('filename="; name=b"; name=a', "a"),
        ('filename="\xe9.wav"; name=file', "file"),
        ("filename*=UTF-8''%C3%A9.wav; name=file", "file"),
    ],
)
async def test_names(head: str, name: str) -> None:
    body = f"--b\r\nContent-Disposition: form-data; {head}\r\n\r\n\r\n--b--"
    assert await parts(body.encode("latin-1")) == [(name, b"")]


async def read_nothing() -> bytes:
    return b""


def test_a_boundary_is_needed() -> None:
    Multipart('multipart/form-data; boundary="a b"', read_nothing)
    for content_type in ("multipart/form-data", "multipart/form-data; boundary="):
        with pytest.raises(MalformedError):
            Multipart(content_type, read_nothing)
