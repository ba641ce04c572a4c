"""nginx as the floor: what a proxy costs that only passes on, in C.

It keeps as much of an upload in memory as this proxy does, and puts the rest on disk.

Where it is missing, Debian's package is unpacked into the bench's temporary directory: installing
it would start a web server on port 80.
"""

import os
import subprocess
from pathlib import Path

from .processes import Launch, system_program

PACKAGE = "nginx"
FETCH_SECONDS = 60.0
CONFIGURATION = """\
daemon off;
{user}
worker_processes 1;
pid {directory}/nginx.pid;
events {{ worker_connections 1024; }}
http {{
  access_log off;
  keepalive_requests 1000000;
  client_max_body_size 512m;
  client_body_buffer_size 512k;
  client_body_temp_path {directory}/body;
  proxy_temp_path {directory}/proxy;
  fastcgi_temp_path {directory}/fastcgi;
  uwsgi_temp_path {directory}/uwsgi;
  scgi_temp_path {directory}/scgi;
  server {{
    listen 127.0.0.1:{port} backlog=1024;
    location / {{
      proxy_pass http://127.0.0.1:{upstream};
      proxy_request_buffering on;
    }}
  }}
}}
"""


def program(temporary: Path) -> str | None:
    """Return nginx's path: the one that is installed, or one unpacked below; None if neither."""
    return system_program("nginx") or _unpacked(temporary)


def _unpacked(temporary: Path) -> str | None:
    found = temporary / "unpacked" / "usr" / "sbin" / "nginx"
    try:
        if not found.exists():
            _fetch(temporary)
        _run(temporary, str(found), "-v")
    except (OSError, subprocess.SubprocessError):
        return None
    return str(found)


def _fetch(temporary: Path) -> None:
    try:
        _run(temporary, "apt-get", "-qq", "download", PACKAGE)
    except subprocess.CalledProcessError:  # its lists are missing or old
        _run(temporary, "apt-get", "-qq", "update")
        _run(temporary, "apt-get", "-qq", "download", PACKAGE)
    archive = next(temporary.glob(f"{PACKAGE}_*.deb"))
    _run(temporary, "dpkg-deb", "--extract", str(archive), str(temporary / "unpacked"))


def _run(directory: Path, *command: str) -> None:
    subprocess.run(command, cwd=directory, check=True, capture_output=True, timeout=FETCH_SECONDS)


def launch(program: str, port: int, upstream: int, temporary: Path) -> Launch:
    """Write a configuration below `temporary` and return how to start nginx with it."""
    directory = temporary / f"nginx-{port}"
    directory.mkdir()
    # As root it would give its workers to a user who may not enter the directory.
    user = "" if os.geteuid() else "user root;"
    text = CONFIGURATION.format(user=user, directory=directory, port=port, upstream=upstream)
    file = directory / "nginx.conf"
    file.write_text(text)
    return Launch((program, "-e", "stderr", "-p", str(directory), "-c", str(file)))
