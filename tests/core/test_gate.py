"""What a build has to show before it may serve."""

import json
from datetime import UTC, datetime

import pytest

from core.gate import complaint, has_passed, parse_trials, with_trials
from core.models import Model

SENTENCE = "And so my fellow Americans, ask not what your country can do for you"
CPU = ["whisper_backend_init_gpu: no GPU found", "whisper_model_load: CPU total size = 77 MB"]
HIP = [
    "whisper_backend_init_gpu: using ROCm0 backend",
    "whisper_model_load: ROCm0 total size = 487 MB",
]
TIMES = [
    "whisper_print_timings:     load time =   201.25 ms",
    "whisper_print_timings:   encode time =    93.10 ms /     1 runs (    93.10 ms per run)",
    "whisper_print_timings:    total time =   480.00 ms",
]
MODEL = Model("ggml-tiny.en.bin", "http://x/ggml-tiny.en.bin", "ab" * 32, None)


def section(
    program: str, status: int = 0, heard: str = SENTENCE, log: list[str] = HIP
) -> list[str]:
    return [f"### {program} {status}", "", f" {heard}", "", "### log", *log]


def log(cli: list[str] | None = None, server: list[str] | None = None) -> list[str]:
    return [*(cli or section("whisper-cli")), *(server or section("whisper-server"))]


def test_what_both_programs_heard_and_logged_is_told_apart():
    cli, server = parse_trials(log(section("whisper-cli", 3, "this", ["a", "b"])))
    assert (cli.program, cli.status, cli.heard, cli.log) == ("whisper-cli", 3, "this", ("a", "b"))
    assert (server.program, server.status, server.heard) == ("whisper-server", 0, SENTENCE)


def test_the_times_are_whisper_cpp_s_own():
    (cli, _) = parse_trials(log(section("whisper-cli", log=TIMES)))
    assert cli.timings == {"load": 201.25, "encode": 93.10, "total": 480.0}


def test_speech_on_the_backend_that_was_asked_for_passes():
    assert complaint(parse_trials(log()), "hip") is None
    cpu = log(section("whisper-cli", log=CPU), section("whisper-server", log=CPU))
    assert complaint(parse_trials(cpu), "cpu") is None


SLOW = ["whisper_print_timings:    total time = 12500.00 ms"]


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        ([], "whisper-server was not tried"),
        (section("whisper-server"), "whisper-cli was not tried"),
        (log(section("whisper-cli", 134)), "whisper-cli ended with signal 6"),
        (log(section("whisper-cli", 3)), "whisper-cli ended with exit status 3"),
        (log(section("whisper-cli", 124)), "whisper-cli did not transcribe the sample within five"),
        (log(server=section("whisper-server", 139)), "whisper-server ended with signal 11"),
        (log(section("whisper-cli", heard="Thank you.")), "whisper-cli heard 'Thank you.'"),
        (log(server=section("whisper-server", heard="")), "whisper-server heard ''"),
        (log(section("whisper-cli", log=CPU)), "whisper-cli ran on cpu, asked for was hip"),
        (log(server=section("whisper-server", log=[])), "whisper-server ran on nobody knows what"),
        (log(section("whisper-cli", log=[*HIP, *SLOW])), "whisper-cli took 12.5 s for 11 s"),
    ],
)
def test_anything_else_does_not(lines: list[str], reason: str):
    found = complaint(parse_trials(lines), "hip")
    assert found is not None
    assert found.startswith(reason)


def test_a_processor_may_be_slower_than_speech():
    lines = log(
        section("whisper-cli", log=[*CPU, *SLOW]), section("whisper-server", log=[*CPU, *SLOW])
    )
    assert complaint(parse_trials(lines), "cpu") is None


def test_the_manifest_says_what_was_seen_of_each_model():
    when = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
    before = {"fingerprint": "x", "gate": {"cd" * 32: {"model": "other"}}}
    assert not has_passed(before, MODEL)
    after = with_trials(before, MODEL, when, parse_trials(log(section("whisper-cli", log=TIMES))))
    assert has_passed(after, MODEL)
    assert set(after["gate"]) == {"cd" * 32, MODEL.sha256}
    seen = json.loads(json.dumps(after))["gate"][MODEL.sha256]
    assert seen["model"] == "ggml-tiny.en.bin"
    assert seen["when"] == "2026-11-22T12:00:00+00:00"
    assert seen["whisper-cli"]["milliseconds"]["total"] == 480.0
    assert seen["whisper-server"]["heard"] == SENTENCE


def test_a_build_without_a_manifest_has_not_passed():
    assert not has_passed({}, MODEL)
