import asyncio

from whisper_proxy.gate import Gate


class Visits:
    """Inferences that stay inside until they are let go."""

    def __init__(self) -> None:
        self.gate = Gate()
        self.inside: list[str] = []
        self.alone: dict[str, bool] = {}
        self.leave: dict[str, asyncio.Event] = {}
        self.tasks: list[asyncio.Task[None]] = []

    async def enter(self, name: str, *, alone: bool = False) -> None:
        self.leave[name] = asyncio.Event()
        self.tasks.append(asyncio.create_task(self._stay(name, alone=alone)))
        await self.settle()

    async def _stay(self, name: str, *, alone: bool) -> None:
        async with self.gate.passage(alone=alone) as passage:
            self.inside.append(name)
            await self.leave[name].wait()
            self.inside.remove(name)
        self.alone[name] = passage.alone

    async def go(self, *names: str) -> None:
        for name in names:
            self.leave[name].set()
        await self.settle()

    async def settle(self) -> None:
        for _ in range(10):
            await asyncio.sleep(0)


async def test_one_after_the_other_are_alone() -> None:
    visits = Visits()
    for name in "ab":
        await visits.enter(name)
        await visits.go(name)
    assert visits.alone == {"a": True, "b": True}


async def test_those_beside_each_other_are_not() -> None:
    visits = Visits()
    await visits.enter("a")
    await visits.enter("b")
    await visits.go("a")
    await visits.enter("c")
    await visits.go("b", "c")
    assert visits.alone == {"a": False, "b": False, "c": False}


async def test_one_that_is_to_be_alone_is() -> None:
    visits = Visits()
    await visits.enter("a")
    await visits.enter("b", alone=True)
    await visits.enter("c")
    assert visits.inside == ["a"]
    await visits.go("a")
    assert visits.inside == ["b"]
    await visits.go("b")
    assert visits.inside == ["c"]
    await visits.go("c")
    assert visits.alone == {"a": True, "b": True, "c": True}


async def test_one_that_gives_up_lets_the_others_in() -> None:
    visits = Visits()
    await visits.enter("a")
    await visits.enter("b", alone=True)
    await visits.enter("c")
    visits.tasks[1].cancel()
    await visits.settle()
    assert visits.inside == ["a", "c"]
    visits.tasks[0].cancel()
    await visits.go("c")
    await visits.enter("d", alone=True)
    assert visits.inside[-1] == "d"
    await visits.go("d")
