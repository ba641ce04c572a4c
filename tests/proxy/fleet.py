"""Misbehaving clients, run as a process of their own: fleet.py PORT SECONDS KIND... (one each).

Each does its worst again and again, for so many seconds. It imports only the standard library.
"""

import os
import random
import socket
import struct
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress

TICK_SECONDS = 0.5
HEAD = (
    b"POST /v1/audio/transcriptions HTTP/1.1\r\nHost: localhost\r\n"
    b"Content-Type: multipart/form-data; boundary=b\r\n"
)
LENGTH, CHUNKED = b"Content-Length: %d\r\n\r\n", b"Transfer-Encoding: chunked\r\n\r\n"
FILE = b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.wav"\r\n\r\n'
END = b"\r\n--b--\r\n"
GET = b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n"
JUNK = (
    FILE + END,
    FILE + b"RIFF" + END,
    FILE + os.urandom(5000) + END,
    FILE.replace(b"file", b"\xff") + b"x" + END,
    FILE + b"x",
    FILE * 100 + b"x" + END,
    b"x" * 100_000,
    b"",
)


def one_byte_at_a_time(connection: socket.socket, byte: bytes) -> None:
    while True:
        time.sleep(TICK_SECONDS)
        connection.sendall(byte)


def drip(connection: socket.socket) -> None:
    """Begin an upload, and send the rest one byte at a time."""
    connection.sendall(HEAD + LENGTH % 10**8 + FILE)
    one_byte_at_a_time(connection, b"x")


def drip_headers(connection: socket.socket) -> None:
    """Send headers one byte at a time."""
    connection.sendall(HEAD + b"X-Slow: ")
    one_byte_at_a_time(connection, b"x")


def endless_headers(connection: socket.socket) -> None:
    """Send more headers than anybody reads."""
    connection.sendall(HEAD)
    while True:
        connection.sendall(b"X-Long: %s\r\n" % (b"x" * 5000))


def tiny_chunks(connection: socket.socket) -> None:
    """Send chunks of one byte each, as fast as they are taken."""
    connection.sendall(HEAD + CHUNKED + b"%x\r\n%s\r\n" % (len(FILE), FILE))
    while True:
        connection.sendall(b"1\r\nx\r\n" * 50_000)


def small_chunks(connection: socket.socket) -> None:
    """Send chunks of 40 bytes each, which are not refused."""
    connection.sendall(HEAD + CHUNKED + b"%x\r\n%s\r\n" % (len(FILE), FILE))
    while True:
        connection.sendall((b"28\r\n" + b"x" * 40 + b"\r\n") * 10_000)


def open_upload(connection: socket.socket) -> None:
    """Send most of an upload, and hold it open."""
    connection.sendall(HEAD + LENGTH % 500_000 + FILE + bytes(490_000))
    one_byte_at_a_time(connection, b"x")


def abort(connection: socket.socket) -> None:
    """Break off in the middle."""
    connection.sendall(HEAD + LENGTH % 2_000_000 + FILE + bytes(random.randrange(1_900_000)))
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def unread(connection: socket.socket) -> None:
    """Ask without end, and read no answer."""
    while True:
        connection.sendall(GET * 100)


def malformed(connection: socket.socket) -> None:
    """Send a broken form, and read the answer."""
    body = random.choice(JUNK)
    connection.sendall(HEAD + LENGTH % len(body) + body)
    connection.shutdown(socket.SHUT_WR)
    while connection.recv(65536):
        pass


def foreign(connection: socket.socket) -> None:
    """Ask as a web page of somebody else does."""
    connection.sendall(GET.replace(b"\r\n\r\n", b"\r\nOrigin: https://evil.example\r\n\r\n"))
    connection.recv(65536)


def idle(connection: socket.socket) -> None:
    """Connect, and say nothing."""
    connection.recv(1)


KINDS: dict[str, Callable[[socket.socket], None]] = {
    one.__name__: one
    for one in (
        *(drip, drip_headers, endless_headers, tiny_chunks, small_chunks, open_upload),
        *(abort, unread, malformed, foreign, idle),
    )
}


def client(port: int, end: float, misbehave: Callable[[socket.socket], None]) -> None:
    while time.monotonic() < end:
        with suppress(OSError), socket.socket() as connection:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            connection.settimeout(max(TICK_SECONDS, end - time.monotonic()))
            connection.connect(("127.0.0.1", port))
            misbehave(connection)
        time.sleep(0.01)


def main(port: str, seconds: str, *kinds: str) -> None:
    os.nice(19)  # as if on machines of their own: the proxy has the processors first
    end = time.monotonic() + float(seconds)
    for kind in kinds:
        arguments = (int(port), end, KINDS[kind])
        threading.Thread(target=client, args=arguments, daemon=True).start()
    time.sleep(float(seconds))


if __name__ == "__main__":
    main(*sys.argv[1:])
