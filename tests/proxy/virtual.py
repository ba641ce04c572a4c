"""Tests whose clock is a virtual one."""

import asyncio
import time
from collections.abc import Coroutine
from typing import Any

import pytest

from bench import virtual_time


def run(main: Coroutine[Any, Any, None]) -> None:
    """Run a test with the loop's clock as everybody's."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(time, "monotonic", lambda: asyncio.get_running_loop().time())
        virtual_time.run(main)
