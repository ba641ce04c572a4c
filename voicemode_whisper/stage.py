"""The form that every stage has: a host's failure is its own, and is one line."""

from collections.abc import Callable
from functools import wraps
from typing import Any, cast

from pyinfra.api import deploy
from pyinfra.api.arguments_typed import PyinfraOperation
from pyinfra.api.operation import OperationMeta
from pyinfra.context import ctx_host

from voicemode_whisper import quicker  # noqa: F401
from voicemode_whisper.host import DEFAULTS, Host, host_of
from voicemode_whisper.last_word import have_last_word
from voicemode_whisper.operations.util.connection import (
    LOST,
    explain,
    fail,
    is_disconnected,
    is_lost,
)
from voicemode_whisper.operations.util.outcome import outcome_of
from voicemode_whisper.scripts.shell import CLEAN_SHELL


def stage(
    name: str, where: Callable[[Host], bool] = lambda _: True
) -> Callable[[Callable[[Host], None]], PyinfraOperation[[]]]:
    """Make a function of a `Host` into a stage: a @deploy with this project's defaults and shell.

    It is skipped on hosts that it is not for. Whatever it raises fails the host that it is about,
    and no other.
    """

    def decorate(body: Callable[[Host], None]) -> PyinfraOperation[[]]:
        @deploy(name, data_defaults=DEFAULTS)
        def run() -> None:
            pyinfra_host = ctx_host.get()
            here = host_of(pyinfra_host)
            if is_lost(pyinfra_host) or not where(here):
                return
            failure, outcome = "", outcome_of(pyinfra_host)
            have_last_word(pyinfra_host.state)
            outcome.begin()
            try:
                body(here)
            except Exception as error:
                failure = explain(error)
            finally:
                outcome.end()
            # pyinfra says which fact it could not load then, and not why.
            if is_disconnected(pyinfra_host):
                fail(pyinfra_host, LOST)
            elif failure and not is_lost(pyinfra_host):
                fail(pyinfra_host, *failure.splitlines())

        @wraps(run)
        def in_clean_shell(**arguments: Any) -> OperationMeta:
            return run(_shell_executable=CLEAN_SHELL, **arguments)

        return cast("PyinfraOperation[[]]", in_clean_shell)

    return decorate
