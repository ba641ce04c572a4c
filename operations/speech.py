"""The proof that a host transcribes."""

from collections.abc import Generator

from pyinfra import host
from pyinfra.api import StringCommand, operation

from core.backend_log import backend_in_use
from core.speech import is_spoken
from facts.speech import Transcript
from facts.user_unit import StartLog, Unit
from operations.refuse import refusal


@operation()
def verify(
    url: str, sample: str, unit: str, backend: str, api_key_file: str = ""
) -> Generator[StringCommand]:
    """Fail the host unless it transcribes speech, on the backend that was asked for.

    + url: of the proxy, http://ADDRESS:PORT
    + sample: recording of President Kennedy's sentence, on the host
    + unit: of whisper-server
    + backend: "hip" or "cpu"
    + api_key_file: on the host, where the proxy wants a key
    """
    # What counts is how the run leaves the host: before it, there is nothing to ask.
    if not host.state.is_executing:
        return
    transcript = host.get_fact(Transcript, url=url, sample=sample, api_key_file=api_key_file)
    if not is_spoken(transcript):
        yield refusal(f"verify: {url} does not transcribe {sample}; its answer: {transcript[:300]}")
        return
    invocation = host.get_fact(Unit, unit=unit).invocation
    log: list[str] = host.get_fact(StartLog, invocation=invocation, _sudo=True)
    used = backend_in_use(log)
    if used != backend:
        yield refusal(_wrong_backend(unit, backend, used))
        return
    host.noop(f"speech is transcribed through {url} on {backend}")


def _wrong_backend(unit: str, wanted: str, used: str | None) -> str:
    found = f"runs on the {used}" if used else "does not say what it runs on"
    return (
        f"verify: {unit} {found}, asked for was {wanted}; see journalctl --user -u {unit}. A user "
        "manager from before the render group was joined is a common cause: reboot, then run again"
    )
