"""A user who has set all that can be set: the deploy does what it does for any other."""

import re
from collections.abc import Iterator

import pytest

from tests.boxes import Box
from tests.machines.deploying import SERVICES, deployed, raise_boxes, transcript
from voicemode_whisper.core.speech import is_spoken

PROXY = "http://127.0.0.1:3128"
# A proxy of an office: it notes what it is asked for.
PROXY_PROGRAM = """
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.request import ProxyHandler, Request, build_opener
from urllib.error import HTTPError
class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        print(self.path, flush=True)
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0)) or None
        skip = ("host", "connection", "proxy-connection", "content-length", "accept-encoding")
        headers = {k: v for k, v in self.headers.items() if k.lower() not in skip}
        try:
            answer = build_opener(ProxyHandler({})).open(Request(self.path, body, headers))
        except HTTPError as error:
            answer = error
        content = answer.read()
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            if name.lower() not in ("transfer-encoding", "content-length", "connection"):
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)
    do_POST = do_GET
    def log_message(self, *_): pass
ThreadingHTTPServer(("127.0.0.1", 3128), Handler).serve_forever()
"""
VARIABLES = """
CC=/bin/false
CXX=/bin/false
CFLAGS=-fnot-a-flag
CXXFLAGS=-fnot-a-flag
LDFLAGS=-lnot-a-library
CMAKE_GENERATOR=Unix Makefiles
CMAKE_TOOLCHAIN_FILE=/nowhere
CCACHE_DIR=/proc/nowhere
PYTHONPATH=/home/ada/lib
PYTHONHOME=/nowhere
PIP_TARGET=/nowhere
PIP_NO_INDEX=1
GIT_DIR=/nowhere
GIT_SSL_NO_VERIFY=1
LD_LIBRARY_PATH=/nowhere
TMPDIR=/nowhere
CDPATH=/
POSIXLY_CORRECT=1
TZ=Asia/Kathmandu
LANGUAGE=de
HIP_VISIBLE_DEVICES=9
"""
HOSTILE = """
cat > ~/.curlrc << END
proxy = http://127.0.0.1:9
output = /dev/null
END
cat > ~/.gitconfig << END
[url "http://127.0.0.1:9/"]
  insteadOf = http://
[core]
  hooksPath = /home/ada/hooks
  autocrlf = true
[init]
  templateDir = /nowhere
[commit]
  gpgSign = true
END
mkdir -p ~/hooks ~/lib/aiohttp ~/.config/pip ~/.config/ccache
printf '#!/bin/sh\\nexit 1\\n' > ~/hooks/post-checkout && chmod +x ~/hooks/post-checkout
echo 'raise ImportError("of another Python")' > ~/lib/aiohttp/__init__.py
echo 'nonsense = 1' > ~/.config/ccache/ccache.conf
{ cat /etc/pip.conf; printf 'user = true\\ntarget = /nowhere\\nrequire-virtualenv = true\\n'; } \
  > ~/.config/pip/pip.conf
sed -i '1i umask 077; sh() { false; }; export -f sh' ~/.bashrc
"""


@pytest.fixture(scope="module")
def box(served: str) -> Iterator[Box]:
    with raise_boxes("hostile", base=served) as (serving,):
        serving.run("cat > /usr/local/lib/proxy.py", user="root", input=PROXY_PROGRAM)
        serving.run(
            "systemd-run -q --unit=proxy sh -c"
            " 'exec python3 -I /usr/local/lib/proxy.py > /run/proxy.log'",
            user="root",
        )
        yield serving


@pytest.fixture(scope="module")
def hostile(box: Box) -> Box:
    """With all of it, and pip's index where the user's own configuration alone names it."""
    box.run(HOSTILE)
    environment = f"{VARIABLES}http_proxy={PROXY}\n"
    box.run("cat >> /etc/environment", user="root", input=environment)
    box.run(
        "printf '[global]\\nindex-url = http://sources:8642/gone\\nretries = 0\\n' > /etc/pip.conf"
        " && mount -t tmpfs -o noexec,size=4k,mode=1777 none /tmp",
        user="root",
    )
    return box


def asked(box: Box) -> list[str]:
    """What the proxy was asked for."""
    return box.run("cat /run/proxy.log", user="root").stdout.splitlines()


def test_a_run_with_nothing_to_do_has_nothing_to_do(hostile: Box):
    assert deployed(hostile).changes == 0


def test_what_is_not_on_the_machine_comes_through_the_proxy(hostile: Box):
    """A checkout and a build, packages, and a virtual environment, all of which are gone."""
    hostile.run("pacman -Rdd --noconfirm ninja", user="root")
    gone = "-mindepth 1 -maxdepth 1 ! -name builds ! -name models ! -name build"
    hostile.run(
        f"rm {SERVICES}/whisper-proxy-venv-*/.complete; cd {SERVICES}/whisper.cpp;"
        f" rm -r builds/* models/for-tests*; find . {gone} -exec rm -r {{}} +"
    )
    run = deployed(hostile)
    assert {
        "Packages | Install what is missing of the toolchain",
        "whisper.cpp | Check out whisper.cpp v1.9.1",
        "whisper.cpp | Build whisper.cpp v1.9.1",
        "Proxy | Have the proxy's virtual environment",
    } <= run.changed
    assert is_spoken(transcript(hostile))
    paths = "\n".join(asked(hostile))
    for path in (r"/git/.*git-upload-pack$", r"/\S*\.db$", r"/\S*\.whl\S*$"):
        assert re.search(path, paths, re.MULTILINE), path
    assert "127.0.0.1" not in paths


def test_what_the_service_manager_has_reaches_no_service(hostile: Box):
    manager = "XDG_RUNTIME_DIR=/run/user/$(/usr/bin/id -u) env -u POSIXLY_CORRECT systemctl --user"
    names = "PYTHONPATH=/home/ada/lib PYTHONHOME=/nowhere LD_LIBRARY_PATH=/nowhere LD_PRELOAD=/none"
    more = f"GGML_BACKEND_PATH=/nowhere http_proxy={PROXY} TMPDIR=/nowhere LC_ALL=de_DE.UTF-8"
    hostile.run(f"{manager} set-environment {names} {more}")
    units = "voicemode-whisper.service voicemode-whisper-proxy.service"
    hostile.run(f"{manager} restart {units}")
    assert deployed(hostile).changes == 0
    assert is_spoken(transcript(hostile))
    # "sh" is a function of the user's that fails, and no shell of ours.
    for unit in units.split():
        environment = hostile.run(
            f"cat /proc/$({manager} show -p MainPID --value {unit})/environ | tr '\\0' '\\n'"
        ).stdout
        assert "/none" not in environment
        assert "LD_LIBRARY_PATH" not in environment
        assert "LC_ALL=C.UTF-8" in environment
