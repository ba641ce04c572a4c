"""HTTP over bare sockets, to send what no client library would."""

import json
import socket
import struct
from contextlib import suppress
from dataclasses import dataclass

PATIENCE_SECONDS = 15.0  # for an answer, and the end of the connection, that must come
# For an answer that may not come: a server that waits for the rest of a request soon sees its end.
MOMENT_SECONDS = 0.01

TRANSCRIPTIONS = "/v1/audio/transcriptions"
CRLF = b"\r\n"
BOUNDARY = "b0undary"
FORM = f"multipart/form-data; boundary={BOUNDARY}"


@dataclass(frozen=True)
class Answer:
    """One answer; its body may be missing or cut, as for a HEAD request."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def length(self) -> int:
        return int(self.headers.get("content-length", "0"))

    @property
    def json(self) -> dict[str, object]:
        decoded: object = json.loads(self.body)
        assert isinstance(decoded, dict)
        return decoded


def part(name: bytes, value: bytes, *, filename: bytes = b"") -> bytes:
    """Return one part of a form."""
    extra = b'; filename="' + filename + b'"' if filename else b""
    disposition = b'Content-Disposition: form-data; name="' + name + b'"' + extra
    return b"--" + BOUNDARY.encode() + CRLF + disposition + CRLF * 2 + value + CRLF


def end() -> bytes:
    return b"--" + BOUNDARY.encode() + b"--" + CRLF


def post(path: str, content_type: str, body: bytes, *headers: str) -> bytes:
    """Return a whole POST request, the last on its connection."""
    head = (
        f"POST {path} HTTP/1.1",
        "Host: localhost",
        "Connection: close",
        f"Content-Type: {content_type}",
        f"Content-Length: {len(body)}",
        *headers,
    )
    return "\r\n".join([*head, "", ""]).encode(errors="surrogateescape") + body


def get(path: str) -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode()


def exchange(address: tuple[str, int], request: bytes, *, whole: bool = True) -> list[Answer]:
    """Send bytes, wait for the end of the connection, and return the answers in order.

    whole: the request is complete and closes the connection. Otherwise the sending side is closed
    after a moment. TimeoutError if the connection does not end.
    """
    with socket.create_connection(address, timeout=PATIENCE_SECONDS) as connection:
        # Otherwise thousands of closed connections would keep their ports for a minute.
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        try:
            connection.sendall(request)
            data = b"" if whole else _first_bytes(connection)
            return answers(data + _rest(connection))
        except ConnectionError:  # closed before it had read the whole
            return []


def _first_bytes(connection: socket.socket) -> bytes:
    connection.settimeout(MOMENT_SECONDS)
    try:
        return connection.recv(65536)
    except TimeoutError:
        return b""
    finally:
        connection.settimeout(PATIENCE_SECONDS)
        with suppress(OSError):  # the other side has closed it
            connection.shutdown(socket.SHUT_WR)


def _rest(connection: socket.socket) -> bytes:
    data = bytearray()
    try:
        while more := connection.recv(65536):
            data += more
    except ConnectionResetError:
        pass
    return bytes(data)


def answers(data: bytes) -> list[Answer]:
    """Parse the received answers; AssertionError if they are not HTTP."""
    found = []
    while data:
        head, _, data = data.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        version, _, status = first.partition(" ")
        assert version.startswith("HTTP/"), first
        pairs = (line.partition(":") for line in lines)
        headers = {name.lower(): value.strip() for name, _, value in pairs}
        answer = Answer(int(status[:3]), headers, data)
        data = data[answer.length :]
        found.append(Answer(answer.status, headers, answer.body[: answer.length]))
    return found
