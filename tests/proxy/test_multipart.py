"""The form parser, fed in pieces of every size."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some
from whisper_proxy.multipart import MalformedError, Multipart, boundary, parameters

FORM = (
    b"preamble\r\n--b\r\nContent-Disposition: form-data; name=prompt\r\n\r\nhi\r\n"
    b"--b \t\r\nContent-Type: audio/wav\r\n"
    b'content-disposition: form-data; filename="x; name=y";\r\n'
    b' name="file"\r\n\r\n\r\n-\r\n--a\r\n\r--\r\n--b\r\n'
    b"Content-Disposition: form-data; name=\"empty\"; filename*=UTF-8''x\r\n\r\n\r\n--b--epilogue"
)
PARTS = [("prompt", b"hi"), ("file", b"\r\n-\r\n--a\r\n\r--"), ("empty", b"")]


def form(body: bytes, size: int) -> Multipart:
    pieces = [body[at : at + size] for at in range(0, len(body), size)]

    async def read() -> bytes:
        return pieces.pop(0) if pieces else b""

    return Multipart(b"b", read)


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

    reader = Multipart(b"b", read)
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
    ("header", "expected"),
    [
        ("form-data", {}),
        ('form-data; name="a"', {"name": "a"}),
        ("form-data;NAME=a ; x=y", {"name": "a", "x": "y"}),
        (r'form-data; name="a\"b\\"', {"name": 'a"b\\'}),
        ('form-data; filename="; name=b"; name=a', {"filename": "; name=b", "name": "a"}),
        ('form-data; name="ü"', {"name": "ü"}),
        ('form-data; name="', {"name": '"'}),
    ],
)
def test_parameters(header: str, expected: dict[str, str]) -> None:
    assert parameters(header) == expected


def test_the_boundary() -> None:
    assert boundary('multipart/form-data; boundary="a b"') == b"a b"
    for content_type in ("multipart/form-data", "x; boundary=", "x; boundary=" + "a" * 71):
        with pytest.raises(MalformedError):
            boundary(content_type)
