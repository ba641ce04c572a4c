"""Where this proxy's own time goes, by cProfile."""

import io
import pstats
import sys
import time
from pathlib import Path

from . import load
from .contenders import ours
from .measure import started, upstream
from .processes import Launch
from .requests import transcription, wav

LOAD_SECONDS = 10.0
FUNCTIONS = 25


def profile(size: int, temporary: Path) -> str:
    """Return its FUNCTIONS that take most, under one upload of `size` bytes after another.

    The profiler makes calls dearer than they are, and `poll` is where it waits for the others.
    """
    file = temporary / "profile"

    def profiled(port: int, upstream: int) -> Launch:
        launch = ours(port, upstream)
        command = (sys.executable, "-m", "cProfile", "-o", str(file), *launch.command[1:])
        return Launch(command, launch.environment)

    with upstream(temporary) as port, started(profiled, port, temporary) as server:
        end = time.perf_counter() + LOAD_SECONDS
        count = load.until(end, server.port, transcription(wav(size)))
    return f"{count} requests of {size / 1e6:g} MB\n{_top(file)}"


def _top(file: Path) -> str:
    text = io.StringIO()
    statistics = pstats.Stats(str(file), stream=text).strip_dirs().sort_stats("tottime")
    statistics.print_stats(FUNCTIONS)
    return text.getvalue()
