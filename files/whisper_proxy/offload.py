"""Runs what takes long beside the event loop, in a thread."""

import asyncio
from collections.abc import Callable
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


async def offload(
    large: bool, function: Callable[P, T], *arguments: P.args, **keywords: P.kwargs
) -> T:
    """Return what the function returns, from a thread if it has much to do.

    A thread costs 0.1 ms, so small things are done at once.
    """
    if large:
        return await asyncio.to_thread(function, *arguments, **keywords)
    return function(*arguments, **keywords)
