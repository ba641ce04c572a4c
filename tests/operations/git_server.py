"""A git repository over HTTP that wants a user name and a password, with git's own server."""

import base64
import os
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from tests.operations.processes import command_lines


class GitServer(ThreadingHTTPServer):
    """Serves the repositories below `root` to who has the login USER:PASSWORD.

    `command_lines` are those of this machine while it was asked.
    """

    def __init__(self, root: Path, login: str, address: str) -> None:
        super().__init__((address, 0), Handler)
        self.root, self.command_lines = root, ""
        self.expected = f"Basic {base64.b64encode(login.encode()).decode()}"

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.server_port}"


class Handler(BaseHTTPRequestHandler):
    server: GitServer

    def do_GET(self) -> None:
        self.server.command_lines += command_lines()
        if self.headers.get("Authorization") != self.server.expected:
            self.send_response(401)
            self.send_header("WWW-Authenticate", 'Basic realm="git"')
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        head, _, body = self._backend().partition(b"\r\n\r\n")
        self.send_response(200)
        for line in head.decode().splitlines():
            self.send_header(*line.split(": ", 1))
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_GET

    def _backend(self) -> bytes:
        """What git's own server, a CGI program, answers."""
        path, _, query = self.path.partition("?")
        length = self.headers.get("Content-Length", "0")
        environment = {
            "PATH": os.environ["PATH"], "GIT_PROJECT_ROOT": str(self.server.root),
            "GIT_HTTP_EXPORT_ALL": "1", "REQUEST_METHOD": self.command, "PATH_INFO": path,
            "QUERY_STRING": query, "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
            "CONTENT_LENGTH": length,
            "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""), "GIT_CONFIG_NOSYSTEM": "1",
            "HOME": "/nonexistent",
        }  # fmt: skip
        body = self.rfile.read(int(length))
        done = subprocess.run(
            ["git", "-c", "safe.directory=*", "http-backend"],
            env=environment, input=body, capture_output=True, check=True,
        )  # fmt: skip
        return done.stdout

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def serving(root: Path, login: str, address: str = "127.0.0.1") -> Iterator[GitServer]:
    with GitServer(root, login, address) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield server
        server.shutdown()
