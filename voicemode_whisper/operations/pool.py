"""A pool's gateway: a setup written, switched to, and left again if it does not transcribe."""

from collections.abc import Generator, Sequence
from hashlib import sha256
from io import BytesIO

from pyinfra import host
from pyinfra.api import FileUploadCommand, QuoteString, StringCommand

from voicemode_whisper.core.gateway import PoolSetup, PoolSpec, PoolState, plan_pool
from voicemode_whisper.core.layout import BALANCER_UNIT, POOL_UNIT, Layout
from voicemode_whisper.core.pool import ready_commands
from voicemode_whisper.core.speech import is_spoken
from voicemode_whisper.facts.base import read_fact
from voicemode_whisper.facts.files import Exists, Sha256Sums
from voicemode_whisper.facts.pool import MemberStates, PoolServices
from voicemode_whisper.facts.speech import Transcript, Transcription
from voicemode_whisper.operations.util.connection import operation
from voicemode_whisper.operations.util.errors import user_error
from voicemode_whisper.operations.util.venv import have
from voicemode_whisper.scripts import script, shell
from voicemode_whisper.unit_files import render_pool


@operation()
def meet() -> Generator[StringCommand]:
    """Come after all operations before this one, on all hosts that have it; change nothing."""
    host.noop("all have come so far")
    yield from ()


@operation()
def recording(path: str, content: bytes) -> Generator[FileUploadCommand | StringCommand]:
    """Have a recording on the host, to try the pool with.

    + path: where; the directory is made
    + content: its bytes
    """
    if read_fact(host, Sha256Sums, paths=[path]).get(path) == sha256(content).hexdigest():
        host.noop("the recording is there")
        return
    yield StringCommand("mkdir -p", QuoteString(path.rpartition("/")[0]))
    yield FileUploadCommand(BytesIO(content), path)


@operation()
def serve(layout: Layout, spec: PoolSpec) -> Generator[StringCommand]:
    """Have a setup made from this spec serve, restart only what does not run it, and try it.

    Where it does not transcribe, the setup before serves again.

    + layout: where things lie
    + spec: what is to serve; the proxy's code is on the host
    """
    state = _state(layout)
    before = state.current
    venv = yield from have(f"{layout.pool}/venv", _lock(layout, spec), spec.lock_sha256)
    setup = render_pool(spec, venv.removeprefix(f"{layout.pool}/"), _certificates(layout))
    restarts, reasons = plan_pool(setup, state)
    if setup.name not in state.setups:
        yield _write(layout, spec, setup, venv)
    if reasons:
        yield _activate(layout, setup.name, restarts)
    if not host.state.is_executing:
        return
    resting = [name for name, one in read_fact(host, MemberStates).items() if one.rests]
    if resting:  # a run that was killed has left it out
        yield script("balancer", *(word for name in resting for word in ready_commands(name)))
    problem = _problem(layout, spec)
    if problem is None and not reasons and not resting:
        host.noop(f"the pool of {len(spec.pool.members)} transcribes at {spec.settings.pool_url}")
    if problem and before and before != setup.name:
        yield _activate(layout, before, ("balancer", "socket", "proxy"))
        yield user_error(f"pool: {problem}; went back to the setup before")
    elif problem:
        yield user_error(f"pool: {problem}")


def _certificates(layout: Layout) -> str:
    sums = read_fact(host, Sha256Sums, paths=[layout.ca, layout.pool_certificate])
    return " ".join(sums.values())


def _lock(layout: Layout, spec: PoolSpec) -> str:
    return f"{layout.pool}/proxy-{spec.proxy}/requirements.lock"


def _state(layout: Layout) -> PoolState:
    found: PoolState = read_fact(host, PoolServices, layout=layout)
    return found


def _write(layout: Layout, spec: PoolSpec, setup: PoolSetup, venv: str) -> StringCommand:
    files = [word for pair in setup.files.items() for word in pair]
    venv_name = venv.removeprefix(f"{layout.pool}/")
    return script("write-pool", layout.pool, setup.name, f"proxy-{spec.proxy}", venv_name, *files)


def _activate(layout: Layout, setup: str, restarts: Sequence[str]) -> StringCommand:
    return script("activate-pool", layout.pool, layout.units, setup, *restarts)


def _problem(layout: Layout, spec: PoolSpec) -> str | None:
    """Why the pool does not transcribe, in a line; None where it does."""
    settings = spec.settings
    units = (
        *(BALANCER_UNIT, f"http://127.0.0.1:{settings.pool_stats_port}/metrics", ""),
        *(POOL_UNIT, f"{settings.pool_url}/health", f"{layout.pool}/current/venv/bin/python"),
    )
    up, said = shell.run(host, script("await-units", *units), print_output=True)
    if not up:
        return said.stderr_lines[-1] if said.stderr_lines else "the services cannot be asked"
    heard: Transcription = read_fact(
        host,
        Transcript,
        url=settings.pool_url,
        sample=layout.pool_speech,
        api_key_file=settings.proxy_api_key_file,
    )
    if is_spoken(heard.text):
        return None
    what = f"{settings.pool_url} does not transcribe {layout.pool_speech}"
    return f"{what}; its answer: {heard.text[:300]}"


@operation()
def prune(layout: Layout) -> Generator[StringCommand]:
    """Remove what the pool does not need; the setup before the one that serves stays.

    + layout: where things lie
    """
    state = _state(layout)
    if not state.surplus:
        host.noop("nothing is left over")
        return
    yield script("remove-versions", layout.pool, *state.surplus)


@operation()
def absent(layout: Layout) -> Generator[StringCommand]:
    """Remove what a gateway has; nothing may run from it any more.

    + layout: where things lie
    """
    if not read_fact(host, Exists, path=layout.pool):
        host.noop("there is no pool")
        return
    yield StringCommand("rm -rf", QuoteString(layout.pool))
