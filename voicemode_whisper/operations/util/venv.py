"""Have a virtual environment that is exactly what a lock file says, on the Python that is there."""

from collections.abc import Generator

from pyinfra import host
from pyinfra.api import QuoteString, StringCommand

from voicemode_whisper.core.errors import UserError
from voicemode_whisper.core.fingerprint import fingerprint
from voicemode_whisper.core.generations import Generation
from voicemode_whisper.core.layout import Layout
from voicemode_whisper.core.venv import (
    PROXY,
    SYSTEM_PYTHON,
    WYOMING,
    Program,
    Venv,
    python_problem,
)
from voicemode_whisper.facts import venv
from voicemode_whisper.facts.base import read_fact
from voicemode_whisper.facts.files import Sha256Sums
from voicemode_whisper.facts.toolchain import Python
from voicemode_whisper.operations.util.errors import user_error
from voicemode_whisper.operations.util.generations import record
from voicemode_whisper.operations.util.once import read_once
from voicemode_whisper.operations.util.progress import with_lock, with_progress
from voicemode_whisper.scripts import words


def read_venv(path: str) -> Venv | None:
    """The virtual environment at `path` on the host, now; None where there is none."""
    found: Venv | None = read_fact(host, venv.Venv, path=path)
    return found


def have(
    path: str, lock: str, lock_sha256: str, program: Program = PROXY
) -> Generator[StringCommand, None, str]:
    """The commands that make it, if it is not there and whole; returns PATH-VERSION.

    The arguments are those of operations/venv.locked.
    """
    python: str | None = read_once(Python)
    problem = python_problem(python, program)
    if problem:
        yield user_error(problem)
        return ""
    final = f"{path}-{fingerprint(f'{lock_sha256} {python}')}"
    found = read_venv(final)
    complete = found is not None and found.complete
    reason = found.reason_to_replace if found and complete else "it is not there"
    if not reason:
        host.noop(f"{final} is there")
        return final
    if complete and host.state.is_executing:
        host.log(f"{program.name}: its virtual environment is made anew: {reason}")
    pip = (*words("with-proxies", ""), *words("with-index"))
    make = with_progress(*words("make-venv", SYSTEM_PYTHON, final, lock, program.name, *pip))
    yield with_lock(path.rpartition("/")[0], make)
    return final


def with_venv(layout: Layout, generation: Generation) -> Generator[StringCommand, None, Generation]:
    """Have virtual environments for a generation that is older than the Python that is there.

    Returns the generation as it then is. UserError where it came without a lock file.
    """
    for program in (PROXY, *((WYOMING,) if generation.wyoming else ())):
        generation = yield from _with_venv_of(program, layout, generation)
    return generation


def _with_venv_of(
    program: Program, layout: Layout, generation: Generation
) -> Generator[StringCommand, None, Generation]:
    home = f"{layout.generations}/{generation.number}"
    found = read_venv(f"{home}/{program.part}")
    problem = found.problem if found else "it has none"
    if not problem:
        return generation
    lock = f"{home}/proxy/{program.lock}"
    lock_sha256 = read_fact(host, Sha256Sums, paths=[lock]).get(lock)
    if not lock_sha256:
        raise UserError(
            f"{generation.title}: nothing starts from its virtual environment ({problem}), and it "
            "has no lock file to make another from; deploy.py makes a new generation"
        )
    final = yield from have(f"{layout.services}/{program.directory}", lock, lock_sha256, program)
    link = QuoteString(f"{home}/{program.part}")
    new = QuoteString(f"{home}/{program.part}.new")
    name = final.removeprefix(f"{layout.services}/")
    yield StringCommand("ln -sfn", QuoteString(f"../../{name}"), new, "&& mv -fT", new, link)
    mended = generation.with_part(program.part, name)
    yield record(layout, dict(mended.manifest))
    return mended
