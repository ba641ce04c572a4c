"""Who is measured, and how each is started."""

import re
import sys
from collections.abc import Callable
from pathlib import Path

from . import nginx
from .processes import ROOT, Launch

STRAIGHT = "straight"
OURS = "this proxy"
GUIDE = "guide's proxy"
UNLIMITED = "guide's, no limit"
NGINX = "nginx"
NAMES = (OURS, GUIDE, UNLIMITED, NGINX)
UNIT = ROOT / "templates" / "voicemode-whisper-proxy.service.j2"
QUEUE = 64  # more than any load here sends at once: nothing is refused

Start = Callable[[int, int], Launch]  # from its own port and that of the upstream


def upstream(port: int) -> Launch:
    """Return how to start the fake whisper-server."""
    return Launch((sys.executable, "-m", "bench.upstream", str(port)))


def ours(port: int, upstream: int) -> Launch:
    """Return how its unit starts this proxy: its settings are the defaults but for the queue."""
    environment = {
        **dict(re.findall(r"(MALLOC_\w+)=(\d+)", UNIT.read_text())),
        "PYTHONPATH": str(ROOT / "files"),
        "WHISPER_PROXY_PORT": str(port),
        "WHISPER_PROXY_UPSTREAM": f"http://127.0.0.1:{upstream}",
        "WHISPER_PROXY_QUEUE": str(QUEUE),
    }
    return Launch((sys.executable, "-m", "whisper_proxy"), environment)


def guide(port: int, upstream: int) -> Launch:
    """Return how to start the guide's proxy."""
    return _guide("bench.guide_proxy", port, upstream)


def unlimited(port: int, upstream: int) -> Launch:
    """Return how to start the guide's proxy with its limit lifted."""
    return _guide("bench.guide_unlimited", port, upstream)


def _guide(module: str, port: int, upstream: int) -> Launch:
    environment = {"GUIDE_PORT": str(port), "GUIDE_UPSTREAM": f"http://127.0.0.1:{upstream}"}
    return Launch((sys.executable, "-m", module), environment)


def contenders(temporary: Path) -> dict[str, Start]:
    """Return how to start each of NAMES; nginx is left out where there is none."""
    found: dict[str, Start] = {OURS: ours, GUIDE: guide, UNLIMITED: unlimited}
    program = nginx.program(temporary)
    if program:
        found[NGINX] = lambda port, up: nginx.launch(program, port, up, temporary)
    return found
