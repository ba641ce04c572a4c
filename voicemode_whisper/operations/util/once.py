"""Facts that are asked for once in a run."""

from typing import Any, TypeVar
from weakref import WeakKeyDictionary

from pyinfra import host
from pyinfra.api import FactBase, Host
from pyinfra.context import ctx_host

from voicemode_whisper.facts.base import read_fact

T = TypeVar("T")
_KNOWN: WeakKeyDictionary[Host, dict[tuple[Any, ...], Any]] = WeakKeyDictionary()


def read_once(fact: type[FactBase[T]], **arguments: Any) -> T:
    """The value of a fact for the host as it was when the run that executes first asked for it.

    For what a run does not change once the packages are there, and operations that come after.
    """
    if not host.state.is_executing:
        return read_fact(host, fact, **arguments)
    known = _KNOWN.setdefault(ctx_host.get(), {})
    key = (fact, *sorted(arguments.items()))
    if key not in known:
        known[key] = read_fact(host, fact, **arguments)
    value: T = known[key]
    return value
