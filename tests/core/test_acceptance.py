"""What a build has to show before it may serve."""

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from tests.generations import ON_CARD, ON_CPU, RELEASE
from tests.whisper_logs import CPU, HIP
from voicemode_whisper.core.acceptance import (
    is_accepted,
    parse_smoke_tests,
    record_acceptance,
    recorded_speeds,
    rejection,
    speeds,
)
from voicemode_whisper.core.backend_log import usage
from voicemode_whisper.core.build import BuildSpec
from voicemode_whisper.core.gpu import Gpu
from voicemode_whisper.core.models import Model
from voicemode_whisper.core.placement import backend_mismatch
from voicemode_whisper.core.speed import Speed, best_of_each

SENTENCE = "And so my fellow Americans, ask not what your country can do for you"
TIMES = [
    "whisper_print_timings:     load time =   201.25 ms",
    "whisper_print_timings:   encode time =    93.10 ms /     1 runs (    93.10 ms per run)",
    "whisper_print_timings:    total time =   480.00 ms",
]
MODEL = Model("ggml-tiny.en.bin", "http://x/ggml-tiny.en.bin", "ab" * 32, None)


def section(
    program: str, status: int = 0, transcript: str = SENTENCE, log: Sequence[str] = HIP
) -> list[str]:
    return [f"### {program} {status}", "", f" {transcript}", "", "### log", *log]


def log(cli: list[str] | None = None, server: list[str] | None = None) -> list[str]:
    return [*(cli or section("whisper-cli")), *(server or section("whisper-server"))]


def test_what_both_programs_heard_and_logged_is_told_apart():
    cli, server = parse_smoke_tests(log(section("whisper-cli", 3, "this", ["a", "b"])))
    assert (cli.program, cli.status, cli.transcript, cli.log) == (
        "whisper-cli",
        3,
        "this",
        ("a", "b"),
    )
    assert (server.program, server.status, server.transcript) == ("whisper-server", 0, SENTENCE)
    assert server.memory is None


def with_memory(size: int) -> list[str]:
    lines = section("whisper-server")
    return [*lines[:4], f"### memory {size}", *lines[4:]]


def test_a_model_that_the_kernel_finds_elsewhere_is_no_gpu_in_use():
    model = replace(MODEL, size=487 << 20)
    (_, server) = tests = parse_smoke_tests(log(server=with_memory(490 << 20)))
    assert (server.transcript, server.memory, server.log) == (SENTENCE, 490 << 20, HIP)
    assert rejection(tests, ON_CARD, model) is None
    found = rejection(parse_smoke_tests(log(server=with_memory(3 << 20))), ON_CARD, model)
    assert found
    assert found.reason.startswith("whisper-server ran on the CPU: the kernel accounts 3 MiB")


def test_what_the_card_draws_with_the_model_loaded_is_recorded():
    lines = with_memory(490 << 20)
    tests = parse_smoke_tests(log(server=[*lines[:4], "### watts 71", *lines[4:]]))
    assert [test.watts for test in tests] == [None, 71]
    assert (tests[1].transcript, tests[1].memory) == (SENTENCE, 490 << 20)
    seen = record_acceptance({}, MODEL, datetime.now(UTC), tests, [])["acceptance"][MODEL.sha256]
    assert seen["whisper-server"]["watts"] == 71
    assert "watts" not in seen["whisper-cli"]


def test_the_times_are_whisper_cpp_s_own():
    (cli, _) = parse_smoke_tests(log(section("whisper-cli", log=TIMES)))
    assert cli.timings == {"load": 201.25, "encode": 93.10, "total": 480.0}


def test_speech_on_the_backend_that_was_asked_for_passes():
    assert rejection(parse_smoke_tests(log()), ON_CARD, MODEL) is None
    cpu = log(section("whisper-cli", log=CPU), section("whisper-server", log=CPU))
    assert rejection(parse_smoke_tests(cpu), ON_CPU, MODEL) is None


OTHER = ["  Device 0: AMD Radeon Graphics, gfx1036 (0x1036), VMM: no, Wave Size: 32", *HIP[1:]]
SLOW = ["whisper_print_timings:    total time = 12500.00 ms"]


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        ([], "whisper-server was not tried"),
        (section("whisper-server"), "whisper-cli was not tried"),
        (log(section("whisper-cli", 134)), "whisper-cli ended with signal 6"),
        (log(section("whisper-cli", 3)), "whisper-cli ended with exit status 3"),
        (section("whisper-cli-cold", 124), "whisper-cli-cold did not transcribe the sample within"),
        (log(section("whisper-cli", 124)), "whisper-cli did not transcribe the sample within five"),
        (log(server=section("whisper-server", 139)), "whisper-server ended with signal 11"),
        (log(section("whisper-cli", transcript="Thank you.")), "whisper-cli heard 'Thank you.'"),
        (log(server=section("whisper-server", transcript="")), "whisper-server heard ''"),
        (
            log(section("whisper-cli", log=CPU)),
            "whisper-cli ran on cpu instead of hip (whisper_backend_init_gpu: no GPU found)",
        ),
        (
            log(server=section("whisper-server", log=OTHER)),
            "whisper-server ran on AMD Radeon Graphics (gfx1036) instead of AMD GPU (gfx1101",
        ),
        (
            log(server=section("whisper-server", log=HIP[1:])),
            "whisper-server ran on a GPU that its log does not name",
        ),
        (log(server=section("whisper-server", log=[])), "whisper-server ran on an unknown device"),
        (log(section("whisper-cli", log=[*HIP, *SLOW])), "whisper-cli took 12.5 s for 11 s"),
    ],
)
def test_anything_else_does_not(lines: list[str], reason: str):
    found = rejection(parse_smoke_tests(lines), ON_CARD, MODEL)
    assert found is not None
    assert found.reason.startswith(reason)


def test_a_card_that_says_it_is_its_neighbour_is_the_one_that_was_chosen():
    spec = BuildSpec(RELEASE, "hip", ("gfx1030",), Gpu(0, "gfx1032", 8 << 30))
    seen = ["  Device 0: AMD Radeon RX 6600, gfx1030 (0x1030), VMM: no, Wave Size: 32", *HIP[1:]]
    assert backend_mismatch(usage(seen), "hip", spec.gpu) is None


def test_a_processor_may_be_slower_than_speech():
    lines = log(
        section("whisper-cli", log=[*CPU, *SLOW]), section("whisper-server", log=[*CPU, *SLOW])
    )
    assert rejection(parse_smoke_tests(lines), ON_CPU, MODEL) is None


def timed(program: str, load: float, total: float, **changes: object) -> list[str]:
    times = [f"whisper_print_timings: {what} time = {ms} ms"
             for what, ms in (("load", load), ("encode", 93), ("total", total))]  # fmt: skip
    return section(program, **{"log": [*HIP, *times], **changes})


def test_the_best_run_of_each_kind_counts():
    lines = [
        *timed("whisper-cli-fa", 200, 500),
        *timed("whisper-cli-nfa", 200, 520),
        *timed("whisper-cli-fa", 300, 580),
    ]
    runs = speeds(parse_smoke_tests(lines), ON_CARD, MODEL, one_queue=True)
    assert len(runs) == 3
    assert best_of_each(runs) == [
        # A slow disk is nothing that a server notices.
        Speed("-fa", 300, 93, 580, one_queue=True),
        Speed("-nfa", 200, 93, 520, one_queue=True),
    ]


def test_on_a_processor_its_time_is_part_of_the_speed():
    lines = timed("whisper-cli-fa", 200, 500, log=[*CPU, *TIMES])
    lines = [*lines[:4], "### processor 2200", *lines[4:]]
    (speed,) = speeds(parse_smoke_tests(lines), ON_CPU, MODEL)
    assert (speed.processor, speed.cost) == (2200, 2200)


@pytest.mark.parametrize(
    "changes",
    [{"status": 134}, {"transcript": "Thank you."}, {"log": [*CPU, *TIMES]}, {"log": HIP}],
)
def test_a_run_that_failed_has_no_speed(changes: dict[str, object]):
    lines = timed("whisper-cli-fa", 200, 500, **changes) + timed("whisper-cli-plain", 200, 520)
    assert speeds(parse_smoke_tests(lines), ON_CARD, MODEL) == [Speed("", 200, 93, 520)]


def test_the_manifest_says_what_was_seen_of_each_model():
    when = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
    before = {"fingerprint": "x", "acceptance": {"cd" * 32: {"model": "other"}}}
    assert not is_accepted(before, MODEL)
    tests = parse_smoke_tests(log(section("whisper-cli", log=TIMES)))
    measured = [Speed("-fa", 200, 93, 480), Speed("-nfa", 200, 99, 520)]
    after = json.loads(json.dumps(record_acceptance(before, MODEL, when, tests, measured)))
    assert is_accepted(after, MODEL)
    assert recorded_speeds(after, MODEL) == measured
    assert set(after["acceptance"]) == {"cd" * 32, MODEL.sha256}
    seen = after["acceptance"][MODEL.sha256]
    assert seen["model"] == "ggml-tiny.en.bin"
    assert seen["when"] == "2026-11-22T12:00:00+00:00"
    assert seen["whisper-cli"]["milliseconds"]["total"] == 480.0
    assert seen["whisper-server"]["transcript"] == SENTENCE
    assert seen["speeds"][0] == {
        "flag": "-fa", "load": 200, "encode": 93, "total": 480, "real_time_factor": 0.0436,
    }  # fmt: skip


def test_a_build_without_a_manifest_has_not_passed():
    assert not is_accepted({}, MODEL)
    assert recorded_speeds({}, MODEL) == []


def test_a_build_that_was_never_timed_has_not_passed():
    assert not is_accepted({"acceptance": {MODEL.sha256: {"model": "ggml-tiny.en.bin"}}}, MODEL)
