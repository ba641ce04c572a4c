"""Malformed forms and audio, as hypothesis strategies.

Each yields bytes, and whether they are a whole request that closes its connection, so that an
answer must come.
"""

from hypothesis import strategies as st

from .raw import BOUNDARY, CRLF, FORM, TRANSCRIPTIONS, end, part, post
from .samples import silence

Request = tuple[bytes, bool]
Strategy = st.SearchStrategy[Request]

PATHS = st.sampled_from([TRANSCRIPTIONS, "/v1/audio/translations"])
SPEECH = silence()

FIELDS = (
    "file",
    "model",
    "language",
    "languages[]",
    "languages",
    "prompt",
    "response_format",
    "temperature",
    "timestamp_granularities[]",
    "timestamp_granularities[0]",
    "stream",
    "include[]",
    "chunking_strategy",
    "chunking_strategy[type]",
    "known_speaker_names[]",
    "keywords[]",
    "offset_t",
    "vad",
    "audio_file",
)
# Values that commonly break parsers: huge numbers, digits of other scripts, NULs, format strings,
# a lone surrogate, a byte order mark, paths, markup.
NASTY = (
    b"",
    b"\0",
    b"\xff\xfe",
    b"\xed\xa0\x80",
    b"\xef\xbb\xbf",
    b"nan",
    b"-inf",
    b"1e999",
    b"1e-400",
    b"-0.0",
    b"9" * 5000,
    b"0x1p3",
    b"1_0",
    "٣".encode(),
    "¹".encode(),
    "İ".encode(),
    b"true\0",
    b"%s%n",
    b"{0.__class__}",
    b"../../etc/passwd",
    b"en-US-x-" + b"a" * 200,
    b"[[[[" * 500,
    b'{"a":' * 500,
    b'["word",',
    b"[]]][",
    b"logprobs",
    b"gpt-4o-transcribe",
    b"-" * 5000 + b">",
    "我".encode() * 9000,
    b"text\r\nX-Injected: 1",
    b"<script>",
    b"verbose_json",
    b"word",
    b"1",
)
VALUES = st.one_of(
    st.sampled_from(NASTY), st.binary(max_size=40), st.text(max_size=20).map(str.encode)
)
# No surrogates, which cannot be encoded.
TEXT = st.text(st.characters(codec="utf-8"), max_size=30)

MAGIC = (
    b"RIFF\x24\0\0\0WAVEfmt ",
    b"RIFF\xff\xff\xff\xffWAVE",
    b"RF64\xff\xff\xff\xffWAVEds64",
    b"fLaC\0\0\0\x22",
    b"OggS\0\x02\0\0\0\0\0\0\0\0",
    b"OggS\0\x02" + bytes(20) + b"\x01\x13OpusHead",
    b"\x1aE\xdf\xa3\x9fB\x86\x81\x01",
    b"\0\0\0\x18ftypM4A \0\0\0\0",
    b"\0\0\0\0moov",
    b"\xff\xff\xff\xffmdat",
    b"\xff\xfb\x90\x64",
    b"ID3\x04\0\0\x7f\x7f\x7f\x7f",
    b"ID3\x04\0\0\0\0\0\x02\0\0\xff\xfb\x90\x64",
    b"\0\0\x01\xba\x44",
    b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n",
    b"ffconcat version 1.0\nfile /etc/passwd\n",
)


def speech(*before: bytes) -> bytes:
    """Return the body of a form with valid audio, after other parts."""
    return b"".join(before) + part(b"file", SPEECH, filename=b"a.wav") + end()


def whole(body: bytes, content_type: str = FORM, path: str = TRANSCRIPTIONS) -> Request:
    return post(path, content_type, body), True


@st.composite
def odd_fields(draw: st.DrawFn) -> Request:
    """A valid form, with wrong types and encodings in its fields."""
    names = st.one_of(st.sampled_from(FIELDS[1:]), TEXT.filter(lambda name: '"' not in name))
    pairs = draw(st.lists(st.tuples(names, VALUES), min_size=1, max_size=5))
    parts = [part(name.encode(), value) for name, value in pairs]
    return whole(speech(*parts), path=draw(PATHS))


@st.composite
def odd_parts(draw: st.DrawFn) -> Request:
    """Parts with headers, names and file names that are wrong, many or missing."""
    dispositions = st.sampled_from(
        [
            b'Content-Disposition: form-data; name="model"',
            b'CONTENT-DISPOSITION:form-data;NAME=prompt;filename="x"',
            b"Content-Disposition: form-data",
            b"Content-Disposition: form-data; name=",
            b'Content-Disposition: form-data; name="file',
            b'Content-Disposition: form-data; name="file"; name="model"',
            b"Content-Disposition: attachment; filename*=UTF-8''%ff%fe",
            b'Content-Disposition: form-data; name="\\"\\\\"; filename="..\\..\\x"',
            b"Content-Disposition:" + b" " * 9000,
            b"Content-Type: multipart/mixed; boundary=" + BOUNDARY.encode(),
            b"Content-Transfer-Encoding: base64",
            b"Content-Encoding: gzip",
            b"Content-Length: -1",
            b": nameless",
            b"\0: \0",
            b"",
        ]
    )
    heads = st.lists(st.one_of(dispositions, st.binary(max_size=30)), max_size=4).map(CRLF.join)
    opening = b"--" + BOUNDARY.encode() + CRLF
    bodies = draw(st.lists(st.tuples(heads, VALUES), min_size=1, max_size=4))
    parts = [opening + head + CRLF * 2 + value + CRLF for head, value in bodies]
    return whole(draw(st.sampled_from([speech, _unended]))(*parts))


def _unended(*parts: bytes) -> bytes:
    return b"".join(parts)


@st.composite
def many_parts(draw: st.DrawFn) -> Request:
    """Forms with very many parts, only files, or nested forms."""
    count = draw(st.integers(1, 200))
    name = draw(st.sampled_from([b"file", b"model", b"keywords[]", b"", b"x" * 3000]))
    value = draw(st.sampled_from([b"", b"x", speech(), SPEECH[:60], b"x" * 5000]))
    return whole(part(name, value) * count + draw(st.sampled_from([end(), b"", speech()])))


@st.composite
def odd_boundaries(draw: st.DrawFn) -> Request:
    """A valid body with an invalid Content-Type."""
    tails = st.one_of(
        st.sampled_from(
            [
                "",
                ";",
                "; boundary",
                "; boundary=",
                '; boundary=""',
                f'; boundary="{BOUNDARY}',
                f"; boundary={BOUNDARY}; boundary=other",
                f"; boundary={BOUNDARY[:-1]}",
                f';  BOUNDARY = "{BOUNDARY}" ; x',
                f'; x="; boundary=other"; boundary={BOUNDARY}',
                "; boundary=" + "x" * 5000,
                "; boundary=\xff\xfe",
                "; boundary=\t",
                "; boundary=--",
                f"; boundary*0={BOUNDARY}",
            ]
        ),
        TEXT.map(lambda text: "; boundary=" + text.replace("\r", "").replace("\n", "")),
    )
    kinds = st.sampled_from(
        [
            "multipart/form-data",
            "Multipart/Form-Data",
            "multipart/mixed",
            "multipart/",
            "application/json",
            "",
            "a/b/c",
        ]
    )
    request = post(draw(PATHS), draw(kinds) + draw(tails), speech())
    return request, True


@st.composite
def broken_bodies(draw: st.DrawFn) -> Request:
    """A form with bytes changed, removed or inserted anywhere, and its correct length."""
    body = bytearray(speech(part(b"model", b"whisper-1"), part(b"response_format", b"json")))
    for _ in range(draw(st.integers(1, 4))):
        # Most of the body is audio, where any bytes are valid: change what surrounds it.
        first, last = min(250, len(body)), max(0, len(body) - 40)
        at = draw(st.integers(0, first) | st.integers(last, len(body)))
        body[at : at + draw(st.integers(0, 30))] = draw(VALUES)
    return whole(bytes(body))


@st.composite
def junk_audio(draw: st.DrawFn) -> Request:
    """Files that begin like audio and continue with junk, or end."""
    head = draw(st.sampled_from(MAGIC))
    junk = draw(st.binary(max_size=300))
    audio = head[: draw(st.integers(0, len(head)))] if not junk else head + junk
    names = st.sampled_from([b"a.wav", b"a.mp3", b"/etc/passwd", b"a\0.wav", b"-i", b"x" * 3000])
    return whole(part(b"file", audio, filename=draw(names)) + end())


@st.composite
def broken_wav(draw: st.DrawFn) -> Request:
    """A WAV file with random bytes in its header, or truncated."""
    audio = bytearray(SPEECH)
    for _ in range(draw(st.integers(1, 3))):
        at, junk = draw(st.integers(0, 43)), draw(st.binary(min_size=1, max_size=4))
        audio[at : at + len(junk)] = junk
    return whole(part(b"file", bytes(audio[: draw(st.integers(1, len(audio)))])) + end())
