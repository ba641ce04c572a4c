"""Lets inferences pass to whisper-server: several together, or one while no other runs."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager


class Passage:
    """One inference. alone: none ran beside it, so that what happens is its own doing."""

    alone = True


class Gate:
    """Knows which inferences run beside each other."""

    def __init__(self) -> None:
        self._passages: set[Passage] = set()
        self._entrance = asyncio.Lock()  # held by one that is to be alone
        self._empty = asyncio.Event()
        self._empty.set()

    @asynccontextmanager
    async def passage(self, *, alone: bool) -> AsyncIterator[Passage]:
        """Let an inference pass; `alone`: once the others have ended, and none meanwhile."""
        async with self._entrance:
            if alone:
                await self._empty.wait()
                with self._inside() as passage:
                    yield passage
                return
        with self._inside() as passage:
            yield passage

    @contextmanager
    def _inside(self) -> Iterator[Passage]:
        passage = Passage()
        self._passages.add(passage)
        if len(self._passages) > 1:
            for one in self._passages:
                one.alone = False
        self._empty.clear()
        try:
            yield passage
        finally:
            self._passages.remove(passage)
            if not self._passages:
                self._empty.set()
