"""A run over several hosts ends with a table of them, below pyinfra's of the operations.

The results of --json have the same under `hosts`, for one host too.
"""

from collections.abc import Callable
from typing import Any

from pyinfra import logger
from pyinfra.api import Host, State
from pyinfra.api.output import format_text
from pyinfra.api.state import BaseStateCallback
from pyinfra_cli import prints

from voicemode_whisper.core.hosts_table import HostResult, causes, record, table
from voicemode_whisper.operations.util.outcome import outcome_of

UNREACHED = "no connection, as told above"


class LastWord(BaseStateCallback):
    """Counts the seconds that each host takes, and has the last word when the last one is left.

    pyinfra disconnects however a run has ended, and after it has printed its own results.
    """

    @staticmethod
    def operation_host_start(state: State, host: Host, op_hash: Any) -> None:
        outcome_of(host).begin()

    @staticmethod
    def operation_host_success(
        state: State, host: Host, op_hash: Any, retry_count: int = 0
    ) -> None:
        outcome_of(host).end()

    @staticmethod
    def operation_host_error(
        state: State, host: Host, op_hash: Any, retry_count: int = 0, max_retries: int = 0
    ) -> None:
        outcome_of(host).end()

    @staticmethod
    def host_disconnect(state: State, host: Host) -> None:
        if not any(other.connected for other in state.activated_hosts - {host}):
            _say(state)


def have_last_word(state: State) -> None:
    """See to it that a run ends with the table, however often it is asked for."""
    if not any(isinstance(handler, LastWord) for handler in state.callback_handlers):
        state.add_callback_handler(LastWord())


def _with_hosts(build: Callable[[State], dict[str, Any]]) -> Callable[[State], dict[str, Any]]:
    def built(state: State) -> dict[str, Any]:
        hosts = {host.name: record(_result(state, host)) for host in _hosts(state)}
        return {**build(state), "hosts": hosts}

    return built


prints.build_results_json = _with_hosts(prints.build_results_json)


def _hosts(state: State) -> list[Host]:
    return [host for host in state.inventory if state.is_host_in_limit(host)]


def _say(state: State) -> None:
    hosts = _hosts(state)
    failed = [host for host in hosts if host in state.failed_hosts]
    # What was only planned is pyinfra's to tell.
    if len(hosts) < 2 or not (state.is_executing or failed):
        return
    results = [_result(state, host) for host in hosts]
    heading, *rows = table(results)
    logger.info("--> Hosts:")
    logger.info(heading)
    for result, row in zip(results, rows, strict=True):
        logger.info(format_text(row, "red") if result.failed else row)
    if failed:
        logger.info(f"--> {len(failed)} of {len(hosts)} hosts failed:")
    for line in causes(results):
        logger.error(line)


def _result(state: State, host: Host) -> HostResult:
    outcome = outcome_of(host)
    failed = host in state.failed_hosts
    return HostResult(
        host.name,
        serving=outcome.serving,
        changed=_changed(state, host),
        seconds=outcome.seconds,
        cause=_cause(state, host) if failed else None,
    )


def _changed(state: State, host: Host) -> int:
    """How many operations have changed something."""
    done = [one.operation_meta for one in state.ops[host].values()]
    return sum(meta.is_complete() and meta.did_change() for meta in done)


def _cause(state: State, host: Host) -> str:
    """Why a host failed: what we know of it, or the last that its command said."""
    if host not in state.activated_hosts:
        return UNREACHED
    done = [one.operation_meta for one in state.ops[host].values()]
    failed = [meta for meta in done if meta.is_complete() and meta.did_error()]
    said = [line for meta in failed for line in meta.stderr_lines if line.strip()]
    return outcome_of(host).cause or (said[-1] if said else "")
