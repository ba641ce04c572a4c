"""Malformed HTTP, as hypothesis strategies: bytes, and that there may be no answer."""

from hypothesis import strategies as st

from .malformed import Request, speech
from .raw import CRLF, FORM, TRANSCRIPTIONS, post


@st.composite
def cut_requests(draw: st.DrawFn) -> Request:
    """A valid request that is truncated, or whose Content-Length is wrong."""
    request = post(TRANSCRIPTIONS, FORM, speech())
    promised = draw(
        st.none() | st.sampled_from([b"0", b"1", b"-1", b"x", b"", b"+5", b"1e3", b"9" * 30])
    )
    if promised is not None:
        length = str(len(speech())).encode()
        request = request.replace(b"Length: " + length, b"Length: " + promised, 1)
    cut = draw(st.integers(1, 500) | st.integers(1, len(request)))
    return request[:cut], False


@st.composite
def bad_chunks(draw: st.DrawFn) -> Request:
    """A chunked body with invalid chunks."""
    head = f"POST {TRANSCRIPTIONS} HTTP/1.1\r\nHost: x\r\nContent-Type: {FORM}\r\n"
    coding = draw(st.sampled_from(["chunked", "Chunked", "gzip, chunked", "chunked, chunked", "x"]))
    also = draw(st.sampled_from(["", "Content-Length: 5\r\n", "Content-Encoding: gzip\r\n"]))
    sizes = st.one_of(
        st.sampled_from(
            [b"-1", b"0x10", b"ffffffffffffffff", b"g", b"", b" 5", b"5;ext=1", b"5\n"]
        ),
        st.integers(0, 300).map(lambda number: b"%x" % number),
    )
    cuts = st.lists(st.tuples(sizes, st.sampled_from([speech()[:200], b"", b"\0", b"abcde"])))
    chunks = b"".join(size + CRLF + data + CRLF for size, data in draw(cuts))
    last = draw(st.sampled_from([b"0\r\n\r\n", b"0\r\nTrailer: x\r\n\r\n", b"0", b""]))
    lines = f"{head}Transfer-Encoding: {coding}\r\n{also}\r\n"
    return lines.encode() + chunks + last, False


@st.composite
def overlong(draw: st.DrawFn) -> Request:
    """Too much of one thing: headers, extensions of chunks, trailers, chunks of a byte each."""
    head = f"POST {TRANSCRIPTIONS} HTTP/1.1\r\nHost: x\r\nContent-Type: {FORM}\r\n".encode()
    chunked = b"Transfer-Encoding: chunked\r\n\r\n"
    size = draw(st.integers(1, 200_000))
    kinds = {
        "a header": b"X: %s\r\n" % (b"x" * size),
        "headers": b"X: y\r\n" * (size // 6),
        "an extension": chunked + b"5;%s\r\nabcde\r\n" % (b"e" * size),
        "a chunk's size": chunked + b"0" * size + b"5\r\nabcde\r\n",
        "trailers": chunked + b"5\r\nabcde\r\n0\r\n" + b"X: y\r\n" * (size // 6),
        "chunks": chunked + b"1\r\nx\r\n" * (size // 6),
    }
    return head + kinds[draw(st.sampled_from(list(kinds)))], False


METHODS = st.sampled_from(
    ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "TRACE", "CONNECT", "PATCH", "get", "Ü"]
)
TOKEN = st.text(st.characters(codec="latin-1", exclude_characters="\r\n"), max_size=20)
ODD_PATHS = [
    "/load", "/inference", TRANSCRIPTIONS, TRANSCRIPTIONS + "/", "//health", "/v1/models/%00",
    "/v1/models/%ff%fe", "/v1/models/../../load", "/health?" + "a" * 9000, "*", "http://[::1/",
    "http://other:99999/health", "localhost:443", "/%", "/\0",
]  # fmt: skip
PATHS = st.one_of(st.sampled_from(ODD_PATHS), TOKEN.map(lambda text: "/" + text), TOKEN)
VERSIONS = st.sampled_from(["HTTP/1.1", "HTTP/1.0", "HTTP/2.0", "HTTP/9.9", "HTTP", "", "ICY"])
NAMES = [
    "Host", "Content-Length", "Transfer-Encoding", "Expect", "Upgrade", "Connection",
    "Authorization", "Origin", "Access-Control-Request-Method", "Range", "Cookie", "Content-Type",
    "Forwarded", "If-Modified-Since", "X y", "",
]  # fmt: skip
ODD_VALUES = [
    "100-continue", "websocket", "h2c", "Bearer \xff", "close", "x" * 9000, "-1", "bytes=0-",
]  # fmt: skip
HEADERS = st.tuples(st.sampled_from(NAMES), st.one_of(TOKEN, st.sampled_from(ODD_VALUES)))
# Usually only one thing is wrong, as a second would hide behind the first.
REQUEST_LINES = st.one_of(
    st.tuples(METHODS, st.just("/health"), st.just("HTTP/1.1")),
    st.tuples(st.sampled_from(["GET", "POST"]), PATHS, st.just("HTTP/1.1")),
    st.tuples(METHODS, PATHS, VERSIONS),
)


@st.composite
def odd_heads(draw: st.DrawFn) -> Request:
    """Any method, path, version and headers, some of them huge."""
    headers = draw(st.lists(HEADERS, max_size=2))
    lines = [" ".join(draw(REQUEST_LINES)), "Host: localhost"]
    lines += [f"{name}: {value}" for name, value in headers]
    blanks = draw(st.sampled_from(["\r\n", "\n", "\r\n"]))
    return (blanks.join(lines) + blanks * 2).encode("latin-1", errors="replace"), False


@st.composite
def pipelined(draw: st.DrawFn) -> Request:
    """Several pipelined requests, valid ones and junk."""
    good = post(TRANSCRIPTIONS, FORM, speech()).replace(b"Connection: close\r\n", b"")
    health = b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n"
    pieces = st.one_of(st.sampled_from([good, health, CRLF, b"\0" * 50]), st.binary(max_size=60))
    return b"".join(draw(st.lists(pieces, min_size=2, max_size=6))), False


@st.composite
def not_http(draw: st.DrawFn) -> Request:
    """Arbitrary bytes, such as those of other protocols."""
    opening = draw(
        st.sampled_from(
            [
                b"",
                b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03",  # TLS
                b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
                b"SSH-2.0-x\r\n",
                b"PROXY TCP4 127.0.0.1 127.0.0.1 1 2\r\n",
                b"\r\n" * 50,
                b"A" * 70000,
            ]
        )
    )
    return opening + draw(st.binary(max_size=200)), False
