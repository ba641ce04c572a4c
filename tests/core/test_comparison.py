"""What is made of the times of several models: the table, and which to choose."""

import pytest

from tests.generations import CARD, candidate, generation, generations, manifest
from tests.whisper_logs import CPU, HIP, SPOKEN
from voicemode_whisper.core.acceptance import SmokeTest
from voicemode_whisper.core.build import BuildSpec
from voicemode_whisper.core.comparison import (
    BUFFERS,
    WORD_ERROR_RATES,
    Measurement,
    advice,
    check_serving,
    downloads,
    measurement,
    parse_server_env,
    recommended,
    required_memory,
    served_build,
    table,
    too_large,
)
from voicemode_whisper.core.errors import UserError
from voicemode_whisper.core.generations import Generation
from voicemode_whisper.core.gpu import Gpu
from voicemode_whisper.core.model_sums import KNOWN
from voicemode_whisper.core.models import Model, ModelFile, resolve_model
from voicemode_whisper.core.places import Step
from voicemode_whisper.core.speed import Speed

ON_ANOTHER = (HIP[0].replace("gfx1101", "gfx1036"), *HIP[1:])
GIB = 2**30


def model(name: str) -> Model:
    return resolve_model(name, "", "https://models.example")


def serving(name: str = "small.en", gpu: Gpu | None = CARD) -> Generation:
    return generation(
        3,
        backend="hip" if gpu else "cpu",
        gpu=gpu and gpu.to_json(),
        release={"label": "v1.9.1", "commit": "a" * 40},
        model={"name": name, "size": KNOWN[name][0], "sha256": KNOWN[name][1]},
    )


def row(name: str, work: float, load: float = 100) -> Measurement:
    return Measurement(model(name), Speed("-fa", load, 90, load + work), memory=GIB)


def runs(timed: str, log: tuple[str, ...] = HIP, memory: int = GIB) -> list[SmokeTest]:
    """What smoke-test.sh has written: two runs of 500 and 480 ms after the first."""

    def run(program: str, total: int) -> SmokeTest:
        times = {"load": 200, "encode": 93, "total": total}
        lines = (f"whisper_print_timings: {name} time = {ms} ms" for name, ms in times.items())
        return SmokeTest(program, 0, SPOKEN, (*log, *lines), processor=total)

    server = SmokeTest("whisper-server", 0, SPOKEN, log, memory=memory)
    return [run("whisper-cli", 900), run(timed, 500), run(timed, 480), server]


ENVIRONMENT = """\
# What voicemode-whisper.service is started with. Written by the deploy.
WHISPER_PORT=2022
# With flash attention or without.
FLASH_ATTENTION={flag}
VAD="--vad-model \\"/x/vad.bin\\""
ROCM_PATH=/opt/rocm
ROCR_VISIBLE_DEVICES=1

# Its revision.
SERVICE_REVISION=3f9c0a71d2e4
"""


@pytest.mark.parametrize(
    ("flag", "timed"),
    [("-fa", "whisper-cli-fa"), ("-nfa", "whisper-cli-nfa"), ("", "whisper-cli-nfa")],
)
def test_models_are_run_as_the_server_is(flag: str, timed: str):
    found = parse_server_env(ENVIRONMENT.format(flag=flag).splitlines())
    assert found.variables == {"ROCM_PATH": "/opt/rocm", "ROCR_VISIBLE_DEVICES": "1"}
    assert found.programs == ("whisper-cli", timed, timed, "whisper-server")


def test_a_host_where_nothing_serves_is_refused():
    with pytest.raises(UserError, match=r"^compare: nothing serves here yet; run deploy\.py first"):
        check_serving(generations(None))


def test_what_was_set_up_by_hand_is_refused():
    known = generations(1, generation(1, label="whisper.cpp as set up by hand"))
    with pytest.raises(UserError, match=r"generation 1 \(whisper\.cpp as set up by hand\) was set"):
        check_serving(known)


def test_a_candidate_serves_too():
    assert check_serving(generations(2, candidate(2, backend="cpu"))).number == 2


def test_the_best_run_after_the_first_counts():
    build = served_build(serving())
    found = measurement(model("small.en"), runs("whisper-cli-fa"), build)
    assert found.speed
    assert (found.speed.total, found.memory, found.problem) == (480, GIB, "")
    assert found.label == "small.en: 480 ms total, 93 ms encode, 22.9x real time"


@pytest.mark.parametrize(
    ("log", "memory", "problem"),
    [
        (CPU, GIB, "whisper-server ran on cpu instead of hip (whisper_backend_init_gpu: no GPU"),
        (ON_ANOTHER, GIB, "whisper-server ran on AMD Radeon RX 7800 XT (gfx1036) instead of AMD"),
        (HIP, 3 << 20, "whisper-server ran on the CPU: the kernel accounts 3 MiB"),
    ],
)
def test_a_run_on_another_device_is_no_time(log: tuple[str, ...], memory: int, problem: str):
    found = measurement(
        model("small.en"), runs("whisper-cli-fa", log, memory), served_build(serving())
    )
    assert found.speed is None
    assert found.problem.startswith(problem)


def test_on_a_cpu_the_run_that_cost_least_counts():
    log = ("whisper_model_load:          CPU total size =    77.11 MB",)
    build = served_build(serving(gpu=None))
    assert build == BuildSpec(build.release, "cpu")
    found = measurement(model("small.en"), runs("whisper-cli-nfa", log), build)
    assert found.speed
    assert found.speed.processor == 480


def test_a_build_that_tells_no_times():
    silent = [
        SmokeTest(test.program, 0, SPOKEN, HIP, memory=test.memory)
        for test in runs("whisper-cli-fa")
    ]
    found = measurement(model("small.en"), silent, served_build(serving()))
    assert found.label == "small.en: whisper-cli tells no times"


def test_every_rate_is_that_of_a_published_model():
    assert set(WORD_ERROR_RATES) <= set(KNOWN)


def test_every_published_model_has_buffers_of_its_kind():
    assert all(name.startswith(tuple(BUFFERS)) for name in KNOWN)


def test_a_model_takes_more_memory_than_its_file_has_bytes():
    size = KNOWN["large-v3-turbo"][0]
    assert size
    turbo, large = (required_memory(name, size) for name in ("large-v3-turbo-q8_0", "large-v3"))
    assert size < turbo < large
    assert required_memory("own", size) == large
    assert required_memory("small.en", None) == 0


def test_what_does_not_fit_beside_the_one_that_serves_is_skipped():
    small = Gpu(0, "gfx1032", 4 * GIB)
    names = ("small.en", "medium.en", "large-v3")
    found = too_large(map(model, names), serving("medium.en", small), available=64 * GIB)
    assert list(found) == ["medium.en", "large-v3"]
    assert found["large-v3"].endswith("MiB are free beside medium.en")
    assert too_large(map(model, names), serving("medium.en"), available=GIB) == {}
    unknown = Gpu(0, "gfx1032", 0)
    assert too_large(map(model, names), serving("medium.en", unknown), available=GIB) == {}


@pytest.mark.parametrize("gpu", [None, Gpu(0, "gfx1151", GIB // 2)])
def test_without_a_card_the_machine_s_memory_counts(gpu: Gpu | None):
    models = [model("small.en"), model("large-v3")]
    found = too_large(models, serving(gpu=gpu), available=2 * GIB)
    assert list(found) == ["large-v3"]
    assert "2048 MiB are free beside small.en" in found["large-v3"]
    assert too_large(models, serving(gpu=gpu), available=None) == {}


def test_what_is_there_is_not_downloaded():
    models = [model(name) for name in ("base.en", "medium.en", "small.en")]
    here, damaged = model("base.en"), model("small.en")
    files = {
        here.file_name: ModelFile(here.sha256),
        damaged.file_name: ModelFile("e" * 64, recorded=damaged.sha256),
    }
    small, medium = (Step(name, KNOWN[name][0] or 0, 1) for name in ("small.en", "medium.en"))
    assert downloads(models, files, keep=True) == [medium, small]
    assert downloads(models, files, keep=False) == [medium]
    assert downloads(models[:1], files, keep=False) == []


def best(*rows: Measurement) -> str | None:
    found = recommended(rows)
    return found and found[0].model.name


def test_the_most_accurate_that_takes_less_than_a_second_is_recommended():
    quick = [row("base.en", 100), row("small.en", 280), row("large-v3-turbo", 990, load=900)]
    assert best(*quick, row("large-v3", 1010)) == "large-v3-turbo"
    assert best(row("large-v3", 900), *quick) == "large-v3"


def test_where_all_are_slow_the_most_accurate_that_is_faster_than_speech():
    assert best(row("small.en", 4000), row("medium.en", 10900), row("large-v3", 11000)) == (
        "medium.en"
    )
    assert best(row("large-v3", 11000)) is None


def test_what_has_no_rate_or_no_time_is_not_recommended():
    slow_device = Measurement(model("large-v3"), problem="whisper-cli ran on cpu instead of hip")
    assert best(row("small.en-q8_0", 200), slow_device) is None
    assert best(row("small.en-q8_0", 200), slow_device, row("tiny.en", 300)) == "tiny.en"
    own = Model("ggml-large-v3.bin", "", "ab" * 32, None)
    assert best(Measurement(own, row("tiny.en", 300).speed)) is None


def test_the_line_to_write_says_why():
    source, now, line = advice([row("small.en", 280), row("large-v3-turbo", 640)], "small.en")
    assert "Open ASR Leaderboard, English short-form, March 2026" in source
    assert now == "small.en serves now; nothing was changed"
    assert line == (
        'group_data/all.py: whisper_model = "large-v3-turbo"  # 7.83 % word errors, the fewest of '
        "those that take less than a second: 640 ms without loading"
    )


def test_no_line_where_nothing_is_to_be_recommended():
    assert advice([], "small.en")[-1] == (
        "no recommendation: no model with a published error rate is faster than speech here"
    )


def test_the_table_is_aligned():
    own = Measurement(Model("ggml-own.bin", "", "ab" * 32, None), row("base.en", 9000).speed)
    wrong = Measurement(model("large-v3"), problem="whisper-cli ran on cpu instead of hip")
    assert table([row("small.en", 380), own, wrong]) == [
        "model         size    load    total  real time  GPU memory  word errors",
        "small.en   466 MiB  100 ms   480 ms      22.9x    1024 MiB       8.59 %",
        "own              -  100 ms  9100 ms      1.21x           -            -",
        "large-v3  2952 MiB       -        -          -           -       7.44 %  "
        "whisper-cli ran on cpu instead of hip",
    ]


def test_a_manifest_of_the_deploy_s_is_read():
    found = Generation.of(manifest(3, backend="cpu", release={"label": "x", "commit": "b" * 40}))
    assert served_build(found).release.label == "x"
