"""Whether a generation that serves really transcribes, on the device that was chosen."""

from dataclasses import dataclass
from typing import Any

from pyinfra import host
from pyinfra.context import ctx_host

from voicemode_whisper.core.generations import Generation
from voicemode_whisper.core.layout import PROXY_UNIT, SERVER_UNIT, WYOMING_UNIT, Layout
from voicemode_whisper.core.listeners import Listener, named, split_address, strangers
from voicemode_whisper.core.placement import account, device_mismatch
from voicemode_whisper.core.services import UnitState
from voicemode_whisper.core.settings import local_address
from voicemode_whisper.core.speech import is_spoken
from voicemode_whisper.core.venv import WYOMING
from voicemode_whisper.facts.base import Question, gather, read_fact
from voicemode_whisper.facts.env_file import VoiceModeEnv
from voicemode_whisper.facts.files import Exists, Sha256Sums
from voicemode_whisper.facts.generations import Generations
from voicemode_whisper.facts.kfd import Memory
from voicemode_whisper.facts.machine import Identity
from voicemode_whisper.facts.ports import Listeners
from voicemode_whisper.facts.speech import Transcript, Transcription, WyomingTranscript
from voicemode_whisper.facts.user_unit import StartLog, Unit
from voicemode_whisper.operations.util.diagnosis import why_not_in_service
from voicemode_whisper.scripts import script, shell

# What await-units.sh ends with when somebody else listens at the port.
TAKEN = "is taken by another program"


@dataclass(frozen=True)
class Problem:
    """Why a generation does not serve as it should, in a line.

    `restart` is the unit of which a restart may help, `of_machine` whether the machine is at fault,
    so that it may be well the next time.
    """

    what: str
    restart: str = ""
    of_machine: bool = False


def find_problem(
    generation: Generation, layout: Layout, kfd: str, api_key_file: str
) -> Problem | None:
    """Why the generation that was started does not serve; None when it does."""
    return (
        _not_up(generation, layout)
        or _not_spoken(generation, layout, api_key_file)
        or _wrong_device(generation, layout, kfd)
        or _not_heard(generation, layout)
    )


def _not_up(generation: Generation, layout: Layout) -> Problem | None:
    up, said = shell.run(
        host, script("await-units", *_services(generation, layout)), print_output=True
    )
    if up:
        return None
    what = said.stderr_lines[-1] if said.stderr_lines else "the services cannot be asked"
    if not what.endswith(TAKEN):
        return Problem(what)
    who = named(_strangers(generation))
    taken = f"{what.removesuffix(TAKEN)}is taken by {who}" if who else what
    return Problem(taken, of_machine=True)


def _services(generation: Generation, layout: Layout) -> list[str]:
    """For await-units.sh: each unit, where it answers, and what runs there, where that is known."""
    parts = ("", "") if generation.adopted else ("build/bin/whisper-server", "venv/bin/python")
    server, proxy = (part and f"{layout.current}/{part}" for part in parts)
    return [
        *(SERVER_UNIT, f"{generation.server_url}/health", server),
        *(PROXY_UNIT, f"{generation.proxy_url}/health", proxy),
    ]


def _strangers(generation: Generation) -> list[Listener]:
    ports = generation.port, int(generation.listen.rpartition(":")[2])
    listeners: tuple[Listener, ...] = read_fact(host, Listeners, ports=ports, _sudo=True)
    identity: dict[str, Any] = read_fact(host, Identity) or {}
    wanted = ("127.0.0.1", generation.port), split_address(generation.listen)
    return [one for address in wanted for one in strangers(listeners, *address, identity["uid"])]


def _not_spoken(generation: Generation, layout: Layout, api_key_file: str) -> Problem | None:
    answer = transcribe(generation.proxy_url, layout, api_key_file).text
    if is_spoken(answer):
        return None
    what = f"{generation.proxy_url} does not transcribe {layout.sample}; its answer: {answer[:300]}"
    return Problem(what)


def transcribe(url: str, layout: Layout, api_key_file: str) -> Transcription:
    """What the proxy at `url` makes of the sample."""
    answer: Transcription = read_fact(
        host, Transcript, url=url, sample=layout.sample, api_key_file=api_key_file
    )
    return answer


def _asked_last(layout: Layout) -> list[Question]:
    """What a run asks after this, if all is well: leftovers, VoiceMode's address, the timer."""
    return [
        (Generations, {"layout": layout}),
        (VoiceModeEnv, {"layout": layout}),
        (Sha256Sums, {"paths": layout.upgrade_units}),
        (Exists, {"path": layout.upgrade}),
    ]


def _not_heard(generation: Generation, layout: Layout) -> Problem | None:
    """Why Home Assistant gets no transcript; None where it does, or is not to."""
    if not generation.wyoming:
        return None
    address, port = local_address(generation.wyoming)
    answer: str = read_fact(
        host,
        WyomingTranscript,
        venv=f"{layout.current}/{WYOMING.part}",
        address=address,
        port=port,
        sample=layout.sample,
    )
    if is_spoken(answer):
        return None
    what = f"{WYOMING_UNIT} does not transcribe at {address}:{port}; its answer: {answer[:300]}"
    # It may have been started with another key.
    return Problem(what, restart=WYOMING_UNIT)


def _wrong_device(generation: Generation, layout: Layout, kfd: str) -> Problem | None:
    # What an adopted one was to use is not known.
    if generation.backend is None:
        return None
    gather(ctx_host.get(), [(Unit, {"unit": SERVER_UNIT}), *_asked_last(layout)])
    gpu = generation.gpu
    server: UnitState = read_fact(host, Unit, unit=SERVER_UNIT)
    log: list[str] = read_fact(host, StartLog, invocation=server.invocation, _sudo=True)
    backend = generation.backend
    where = account(backend, gpu, kfd)
    memory: int | None = read_fact(host, Memory, account=where, pid=server.pid) if gpu else None
    other = device_mismatch(log, backend, gpu, memory, generation.model_size, generation.device)
    if other is None:
        return None
    finding = why_not_in_service(log, backend, gpu, layout, server) if gpu else None
    because = f"; cause: {finding}" if finding else ""
    return Problem(
        f"{SERVER_UNIT} runs on {other}{because}",
        restart=SERVER_UNIT,
        of_machine=finding is not None and not finding.of_build,
    )
