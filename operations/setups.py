"""Setups: confirmed by speech, kept, and gone back to when what is new fails."""

from collections.abc import Generator

from pyinfra import host
from pyinfra.api import QuoteString, StringCommand

from core.build import Order
from core.gpu import misplaced
from core.layout import PROXY_UNIT, SERVER_UNIT, Layout
from core.models import Model
from core.setups import Setup, Setups
from core.speech import is_spoken
from facts.kfd import Memory
from facts.setups import Installed
from facts.speech import Heard, Transcript
from facts.user_unit import SYSTEMCTL, StartLog, Unit, UnitState
from operations.connection import operation
from operations.gpu import why_not_in_service
from operations.refuse import refusal
from operations.scripts import script


@operation()
def remember(layout: Layout, api_key_file: str = "") -> Generator[StringCommand]:
    """Keep what serves now, where nothing was confirmed yet, so that there is a way back to it.

    That is so on a machine that was set up by hand.

    + layout: where things lie
    + api_key_file: on the host, where the proxy wants a key
    """
    setups: Setups = host.get_fact(Installed, layout=layout)
    if setups.latest or not setups.now:
        host.noop("nothing that is not known")
        return
    if not is_spoken(_transcript(setups.now, layout, api_key_file)):
        host.noop("what is there does not transcribe")
        return
    yield _keep(layout, setups.now)


@operation()
def confirm(
    layout: Layout, order: Order, model: Model, kfd: str, api_key_file: str = ""
) -> Generator[StringCommand]:
    """Fail the host unless it transcribes speech through the proxy, on the GPU that was chosen.

    Then what was confirmed last is back and serving before the run ends. What is confirmed is kept.

    + layout: where things lie
    + order: what was to be built, and what it is to run on
    + model: what is to serve
    + kfd: where the kernel says who uses which GPU (see facts/kfd.py)
    + api_key_file: on the host, where the proxy wants a key
    """
    # What counts is how the run leaves the host: before it, there is nothing to ask.
    if not host.state.is_executing:
        return
    setups: Setups = host.get_fact(Installed, layout=layout)
    if not setups.now:
        yield refusal("verify: nothing is set up here; run deploy.py")
        return
    reason = _complaint(setups.now, layout, api_key_file)
    if not reason:
        reason = _wrong_place(layout, order, model, kfd)
        if reason and setups.is_confirmed:
            # This run has not restarted it, and it may be from before it could use the GPU.
            yield StringCommand(SYSTEMCTL, "restart", SERVER_UNIT)
            reason = _complaint(setups.now, layout, api_key_file) or _wrong_place(
                layout, order, model, kfd
            )
    if reason:
        yield refusal(f"verify: {reason}; {_fall_back(setups, layout, api_key_file)}")
    elif setups.is_confirmed:
        host.noop(f"speech is transcribed through {setups.now.proxy_url} on {order.backend}")
    else:
        yield _keep(layout, setups.now)


@operation()
def go_back(layout: Layout, api_key_file: str = "") -> Generator[StringCommand]:
    """Go back to the setup that served before; what cannot be gone back to is left alone.

    + layout: where things lie
    + api_key_file: on the host, where the proxy wants a key
    """
    setups: Setups = host.get_fact(Installed, layout=layout)
    before = setups.before()
    if before is None:
        yield refusal("rollback: nothing that served before the present setup is kept")
        return
    yield _restore(layout, before)
    reason = _complaint(before, layout, api_key_file)
    if reason:
        back = _put_back(setups.of_latest, layout, api_key_file)
        yield refusal(f"rollback: {before.label}: {reason}; {back}")
        return
    host.log(f"{before.label} serves again; deploy.py goes forward")


@operation()
def tidy(layout: Layout) -> Generator[StringCommand]:
    """Remove versions that no setup needs any more: the last three builds stay, and what serves.

    + layout: where things lie
    """
    setups: Setups = host.get_fact(Installed, layout=layout)
    surplus = setups.surplus()
    if not surplus:
        host.noop("nothing is left over")
        return
    yield StringCommand("rm -rf", *(QuoteString(f"{layout.services}/{name}") for name in surplus))


@operation()
def absent(layout: Layout) -> Generator[StringCommand]:
    """Remove every version of builds and proxy that the deploy made, and the links to them.

    What was made by hand and set aside has its name again. Nothing may run from them any more.

    + layout: where things lie
    """
    setups: Setups = host.get_fact(Installed, layout=layout)
    versions = setups.own()
    if not versions:
        host.noop("nothing of the deploy is there")
        return
    yield script("remove-versions", layout.services, *versions)


def _keep(layout: Layout, setup: Setup) -> StringCommand:
    return script("remember", layout.services, layout.units, f"confirmed-{setup.server}")


def _restore(layout: Layout, setup: Setup) -> StringCommand:
    return script("restore", layout.services, layout.units, setup.name)


def _complaint(setup: Setup, layout: Layout, api_key_file: str) -> str | None:
    """Why a setup that was started does not serve, in a line; None when it does."""
    services = (SERVER_UNIT, setup.server_url, PROXY_UNIT, f"{setup.proxy_url}/health")
    up, said = host.run_shell_command(script("await", *services), print_output=True)
    if not up:
        return said.stderr_lines[-1] if said.stderr_lines else "the services cannot be asked"
    transcript = _transcript(setup, layout, api_key_file)
    if is_spoken(transcript):
        return None
    return f"{setup.proxy_url} does not transcribe {layout.sample}; its answer: {transcript[:300]}"


def _transcript(setup: Setup, layout: Layout, api_key_file: str) -> str:
    heard: Heard = host.get_fact(
        Transcript, url=setup.proxy_url, sample=layout.sample, api_key_file=api_key_file
    )
    return heard.text


def _wrong_place(layout: Layout, order: Order, model: Model, kfd: str) -> str | None:
    """Why whisper-server does not compute where it was told to; None when it does."""
    server: UnitState = host.get_fact(Unit, unit=SERVER_UNIT)
    log: list[str] = host.get_fact(StartLog, invocation=server.invocation, _sudo=True)
    memory: int | None = host.get_fact(Memory, kfd=kfd, pid=server.pid) if order.gpu else None
    other = misplaced(log, order.backend, order.gpu, memory, model.size)
    if other is None:
        return None
    cause = why_not_in_service(log, order.gpu, layout, server) if order.gpu else None
    return f"{SERVER_UNIT} runs on {other}" + (f"; the cause: {cause}" if cause else "")


def _fall_back(setups: Setups, layout: Layout, api_key_file: str) -> str:
    """Put back what was confirmed last, if there is something; what has come of it, for people."""
    if setups.is_confirmed:
        return "nothing was changed since it last transcribed, so there is nothing to go back to"
    if setups.of_latest is None:
        return "nothing has transcribed here before, so there is nothing to go back to"
    return _put_back(setups.of_latest, layout, api_key_file)


def _put_back(setup: Setup | None, layout: Layout, api_key_file: str) -> str:
    """Put a setup back and try it; what has come of it, for people."""
    if setup is None:
        return "what was in place before was never confirmed, so it was not put back"
    done, _ = host.run_shell_command(_restore(layout, setup), print_output=True)
    reason = _complaint(setup, layout, api_key_file) if done else "its files could not be put back"
    return f"{setup.label} is back " + (f"but: {reason}" if reason else "and transcribes")
