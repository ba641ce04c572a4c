"""A fake whisper-server, run as a process, whose transcript of a recording is its digest.

The real one takes seconds to load its model, so killing it fifty times would take minutes, and
with similar recordings a swapped answer would go unnoticed. This one behaves like the real one
where the tests depend on it: a few threads, each busy with one connection; one inference at a time;
on SIGTERM it answers the requests it has and then refuses connections. It imports little, and only
from the standard library, to be back about 50 ms after it was killed.
"""

import hashlib
import json
import signal
import socket
import sys
import threading
import time
from types import FrameType

THREADS = 8
INFERENCE = threading.Lock()


def transcript(audio: bytes) -> str:
    """Return this server's transcript of a recording."""
    return hashlib.sha256(audio).hexdigest()


def answer(text: str) -> bytes:
    """Return verbose_json with one segment."""
    segment = {"id": 0, "text": f" {text}", "start": 0.0, "end": 1.0}
    body = {
        "task": "transcribe",
        "language": "english",
        "duration": 1.0,
        "text": f" {text}\n",
        "segments": [segment],
    }
    return json.dumps(body).encode()


def audio_of(head: bytes, body: bytes) -> bytes:
    """Return the content of the part `file`, which comes last."""
    boundary = head.split(b"boundary=")[1].split(b"\r\n")[0].strip(b'"')
    part = body[body.index(b'name="file"') :]
    start = part.index(b"\r\n\r\n") + 4
    return part[start : part.rindex(b"\r\n--" + boundary)]


def received(connection: socket.socket) -> tuple[bytes, bytes]:
    """Return a request's head and body, both b"" if the client disconnects too early."""
    data = b""
    while b"\r\n\r\n" not in data:
        more = connection.recv(65536)
        if not more:
            return b"", b""
        data += more
    head, _, body = data.partition(b"\r\n\r\n")
    length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0] or 0)
    rest = bytearray(body)
    while len(rest) < length:
        more = connection.recv(1 << 20)
        if not more:
            return b"", b""
        rest += more
    return head, bytes(rest)


def reply(connection: socket.socket, status: str, body: bytes) -> None:
    head = (
        f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    )
    connection.sendall(head.encode() + body)


def serve(connection: socket.socket, seconds: float) -> None:
    """Answer the one request of a connection."""
    head, body = received(connection)
    if head.startswith(b"POST /inference "):
        with INFERENCE:
            time.sleep(seconds)
        reply(connection, "200 OK", answer(transcript(audio_of(head, body))))
    elif head.startswith(b"GET /health "):
        reply(connection, "200 OK", b'{"status":"ok"}')
    elif head:
        reply(connection, "404 Not Found", b"{}")


def worker(listening: socket.socket, seconds: float) -> None:
    """Serve one connection after another until the socket is shut down."""
    while True:
        try:
            connection, _ = listening.accept()
        except OSError:
            return
        with connection:
            try:
                serve(connection, seconds)
            except ConnectionError:
                continue  # the client disconnected


def main(port: int, seconds: float) -> None:
    listening = socket.create_server(("127.0.0.1", port), backlog=128)

    def stop(_: int, __: FrameType | None) -> None:
        listening.shutdown(socket.SHUT_RDWR)  # wakes the threads that wait for a connection

    signal.signal(signal.SIGTERM, stop)
    threads = [threading.Thread(target=worker, args=(listening, seconds)) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    listening.close()


if __name__ == "__main__":
    main(int(sys.argv[1]), float(sys.argv[2]))
