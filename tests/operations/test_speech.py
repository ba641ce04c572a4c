"""The last word on a deploy: speech, on the backend that was asked for."""

from typing import Any

import pytest
from pyinfra.context import ctx_host, ctx_state
from pyinfra_testing.util import FakeState, create_host, get_command_string

from operations.speech import verify

ARGUMENTS = {
    "url": "http://127.0.0.1:2023",
    "sample": "/h/jfk.wav",
    "unit": "w.service",
}
SPOKEN = "And so my fellow Americans ask not what your country can do for you"
CPU = ["whisper_backend_init_gpu: no GPU found", "whisper_model_load: CPU total size = 77 MB"]
HIP = [
    "whisper_backend_init_gpu: using ROCm0 backend",
    "whisper_model_load: ROCm0 total size = 487 MB",
]


def verified(backend: str, transcript: str, log: list[str], executing: bool = True) -> list[Any]:
    """The commands that verify yields for a host that answers like this."""
    state = FakeState()
    state.is_executing = executing
    facts = {
        "speech.Transcript": {
            "api_key_file=, sample=/h/jfk.wav, url=http://127.0.0.1:2023": transcript
        },
        "user_unit.Unit": {"unit=w.service": {"invocation": "6f4"}},
        "user_unit.StartLog": {"invocation=6f4": log},
    }
    with ctx_state.use(state), ctx_host.use(create_host(state, facts=facts)):
        return [get_command_string(c) for c in verify._inner(**ARGUMENTS, backend=backend)]


@pytest.mark.parametrize(("backend", "log"), [("cpu", CPU), ("hip", HIP)])
def test_the_right_words_on_the_right_backend_change_nothing(backend, log):
    assert verified(backend, SPOKEN, log) == []


@pytest.mark.parametrize("answer", ["", "curl: (7) Failed to connect", '{"error": {"code": 503}}'])
def test_anything_but_the_words_fails_and_is_shown(answer):
    (command,) = verified("cpu", answer, CPU)
    assert "does not transcribe" in command
    assert answer[:20] in command
    assert command.endswith(">&2; exit 1")


@pytest.mark.parametrize(
    ("log", "found"), [(CPU, "runs on the cpu"), ([], "does not say what it runs on")]
)
def test_a_silent_fall_to_the_cpu_fails(log, found):
    (command,) = verified("hip", SPOKEN, log)
    assert f"w.service {found}, asked for was hip" in command


def test_before_the_run_there_is_nothing_to_ask():
    assert verified("hip", "", [], executing=False) == []
