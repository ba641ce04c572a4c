"""Facts that end in a value or in one line about their host, whatever the host says.

pyinfra takes an exception in a fact for an error in the deploy, and ends the run on all hosts.
"""

import time
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from contextlib import nullcontext
from functools import wraps
from typing import Any, TypeAlias, TypeVar

from pyinfra.api import FactBase, Host, State, StringCommand
from pyinfra.api.arguments import CONNECTOR_ARGUMENT_KEYS, pop_global_arguments
from pyinfra.connectors import util

from voicemode_whisper.core.errors import UserError
from voicemode_whisper.scripts import shell
from voicemode_whisper.scripts.answers import Answer
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
    # Whether asking for it changes the host, if only for a while: a service starts, a card works.
    stirs = False

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        if "process" in vars(cls):
            cls.process = _guarded(cls.process)  # type: ignore[method-assign]


# A fact, and the arguments that it is to be asked with.
Question: TypeAlias = tuple[type[Fact[Any]], Mapping[str, Any]]


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
    only_looks = issubclass(fact, Fact) and not fact.stirs
    answer = _known(host, fact, arguments) if only_looks else None
    # What failed is asked again, for pyinfra to say so.
    if answer and answer.status == 0:
        return fact().process([*answer.lines]) if answer.lines else fact.default()
    try:
        # In a condition of an operation (_if) pyinfra does not know what the stage has given it.
        with shell.looking() if only_looks else nullcontext():
            value: T = host.get_fact(fact, _shell_executable=CLEAN_SHELL, **arguments)
    except UnicodeDecodeError as error:
        raise unreadable(fact, error.object, error) from error
    return value


def gather(host: Host, questions: Iterable[Question], **arguments: Any) -> None:
    """Have a host answer these facts in one round trip, for `read_fact` to take from then on.

    An answer holds until anything is run on the host that may change it, and for a while (see
    scripts/answers.py); then, and where gathering fails, the fact is asked for alone. With
    `arguments` such as `_sudo`, which count for all of them, as for `read_fact`.
    """
    questions = list(questions)
    stirring = [fact.__name__ for fact, _ in questions if fact.stirs]
    if stirring:
        raise ValueError(f"not to be asked in advance: {', '.join(stirring)}")
    if not shell.has_shell(host) or _is_shown(host.state):
        return
    commands = [_command(fact, asked) for fact, asked in questions]
    how = _connector(host, arguments)
    asked_at = time.monotonic()
    answers = shell.run_all(host, commands, **how)
    if answers:
        keys = [_key(command, how) for command in commands]
        shell.known_of(host).remember(dict(zip(keys, answers, strict=True)), asked_at)


def _is_shown(state: State) -> bool:
    """Whether what each fact runs and says is shown: then each is asked for alone."""
    return state.print_fact_info or state.print_fact_input or state.print_fact_output


def _known(host: Host, fact: type[FactBase[Any]], arguments: Mapping[str, Any]) -> Answer | None:
    """What the host has answered to this, where that was gathered and still holds."""
    known = shell.known_of(host)
    if known.is_empty or _is_shown(host.state):
        return None
    how = {name: value for name, value in arguments.items() if name.startswith("_")}
    asked = {name: value for name, value in arguments.items() if name not in how}
    return known.answer(_key(_command(fact, asked), _connector(host, how)))


def _command(fact: type[FactBase[Any]], asked: Mapping[str, Any]) -> StringCommand:
    return StringCommand(fact().command(**asked))


def _key(command: StringCommand, how: Mapping[str, Any]) -> Hashable:
    """What an answer is known by: the command, and all that says how it is run."""
    return command.get_raw_value(), repr(how)


def _connector(host: Host, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """What pyinfra gives the connector for a fact that is asked for with these arguments.

    Those that are not given are the operation's, or the stage's, for which pyinfra has them ready.
    """
    ready: Mapping[str, Any] = (
        host.current_op_global_arguments
        or host.current_deploy_kwargs
        or pop_global_arguments(host.state, host, {})[0]
    )
    both = {**ready, **arguments, "_shell_executable": CLEAN_SHELL}
    return {name: both[name] for name in CONNECTOR_ARGUMENT_KEYS if name in both}


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
