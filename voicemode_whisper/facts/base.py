"""Facts that end in a value or in one line about their host, whatever the host says.

pyinfra takes an exception in a fact for an error in the deploy, and ends the run on all hosts.
"""

from collections.abc import Callable, Iterable, Iterator
from functools import wraps
from typing import Any, TypeVar

from pyinfra.api import FactBase, Host
from pyinfra.connectors import util

from voicemode_whisper.core.errors import UserError
from voicemode_whisper.scripts.shell import CLEAN_SHELL

T = TypeVar("T")
# What stands for bytes that are no UTF-8.
UNDECODABLE = "\N{REPLACEMENT CHARACTER}"


class Fact(FactBase[T]):
    """A fact whose `process` returns a value or raises a UserError that names the fact.

    Output that is not UTF-8 is such an error, or what is worked with could be another file than the
    one that was meant. Facts about words for people set `allows_undecodable`.
    """

    allows_undecodable = False

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        if "process" in vars(cls):
            cls.process = _guarded(cls.process)  # type: ignore[method-assign]


def _guarded(process: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(process)
    def guarded(fact: Fact[Any], output: Iterable[str]) -> Any:
        lines = list(output)
        try:
            if not fact.allows_undecodable and any(UNDECODABLE in line for line in lines):
                raise ValueError("it is not UTF-8")
            return process(fact, lines)
        except UserError:
            raise
        except Exception as error:
            raise unreadable(type(fact), "\n".join(lines), error) from error

    return guarded


def unreadable(fact: type[FactBase[Any]], output: str | bytes, error: Exception) -> UserError:
    """What to tell of a fact that makes nothing of what a host printed: one line."""
    name = f"{fact.__module__.rpartition('.')[2]}.{fact.__name__}"
    reason = " ".join(f"{type(error).__name__}: {error}".split())[:150]
    return UserError(f"{name}: got {output[:100]!r}, which it cannot read ({reason})")


def read_fact(host: Host, fact: type[FactBase[T]], **arguments: Any) -> T:
    """The value of a fact for a host; UserError, which names the fact, where it cannot be read."""
    try:
        # In a condition of an operation (_if) pyinfra does not know what the stage has given it.
        value: T = host.get_fact(fact, _shell_executable=CLEAN_SHELL, **arguments)
    except UnicodeDecodeError as error:
        raise unreadable(fact, error.object, error) from error
    return value


def decoded(lines: Iterable[str | bytes]) -> Iterator[str]:
    """Lines as text, whatever they are, with UNDECODABLE for what is no UTF-8."""
    remaining = iter(lines)
    while True:
        try:
            line = next(remaining, None)
        except UnicodeDecodeError as error:
            line = error.object  # paramiko has read the line when it fails to decode it
        if line is None:
            return
        yield line if isinstance(line, str) else line.decode(errors="replace")


def _read_leniently(read_buffer: Callable[..., None]) -> Callable[..., None]:
    """pyinfra's reader of a command's output, for bytes that are no UTF-8 too.

    Its own dies of them in a greenlet: a stack trace is printed, what follows is lost without
    a word, and a command that prints more than a pipe holds never ends.
    """

    @wraps(read_buffer)
    def read(name: str, io: Iterable[str | bytes], *args: Any, **kwargs: Any) -> None:
        read_buffer(name, decoded(io), *args, **kwargs)

    return read


util.read_buffer = _read_leniently(util.read_buffer)
