"""Requests /health repeatedly until standard input closes, and prints how long each took.

Runs as a separate process, so that the clients in the tests' process do not distort the times.
"""

import json
import select
import socket
import sys
import time

PAUSE_SECONDS = 0.005
PATIENCE_SECONDS = 30.0
REQUEST = b"GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"


def once(port: int) -> float:
    """Return how many milliseconds one request took, including the connection."""
    started = time.perf_counter()
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_SECONDS) as connection:
        connection.sendall(REQUEST)
        answer = b""
        while more := connection.recv(65536):
            answer += more
    assert answer.startswith(b"HTTP/1.1 200 "), answer
    return (time.perf_counter() - started) * 1000


def main(port: int) -> None:
    taken = [once(port)]
    while not select.select([sys.stdin], [], [], PAUSE_SECONDS)[0]:
        taken.append(once(port))
    print(json.dumps(taken))


if __name__ == "__main__":
    main(int(sys.argv[1]))
