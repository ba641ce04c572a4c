"""What is done only while nobody wants its place, and ended as soon as somebody does."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class SpareTime:
    """Work that gives way to requests."""

    def __init__(self) -> None:
        self._working: list[asyncio.Task[Any]] = []
        self._ending: list[asyncio.Task[Any]] = []

    @property
    def places(self) -> int:
        """How many places are taken, those included that are about to be free."""
        return len(self._working) + len(self._ending)

    async def run(self, work: Coroutine[Any, Any, T]) -> T | None:
        """Return what the work returns, None if it had to give way. Cancelling this ends it too."""
        task = asyncio.create_task(work)
        self._working.append(task)
        try:
            return await task
        except asyncio.CancelledError:
            caller = asyncio.current_task()
            if task not in self._ending or (caller and caller.cancelling()):
                raise
            return None
        finally:
            (self._ending if task in self._ending else self._working).remove(task)

    def give_way(self, wanted: int) -> None:
        """End so many; they are gone when `places` says so."""
        while self._working and len(self._ending) < wanted:
            task = self._working.pop()
            self._ending.append(task)
            task.cancel()
