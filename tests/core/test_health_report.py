"""Each check of a host, passed and failed: what is found, and what fixes it."""

import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from voicemode_whisper.core import health_report
from voicemode_whisper.core.device_access import Device, DeviceAccess
from voicemode_whisper.core.diagnosis import DEPLOY_AGAIN, Finding, check_access
from voicemode_whisper.core.env_file import EnvFile
from voicemode_whisper.core.environment import Setting
from voicemode_whisper.core.generations import (
    CANDIDATE,
    CONFIRMED,
    REJECTED,
    Alternative,
    Generation,
    Generations,
)
from voicemode_whisper.core.gpu import Gpu
from voicemode_whisper.core.health_report import CheckResult, ExpectedState, expected_backend
from voicemode_whisper.core.layout import SERVER_UNIT
from voicemode_whisper.core.listeners import Listener
from voicemode_whisper.core.models import Model, ModelFile
from voicemode_whisper.core.places import LateMount
from voicemode_whisper.core.power import Power
from voicemode_whisper.core.services import ServiceState, UnitState
from voicemode_whisper.core.speed import Speed
from voicemode_whisper.core.user_manager import Override, UserManager
from voicemode_whisper.core.venv import Venv
from voicemode_whisper.core.voicemode_env import LISTEN

CARD = Gpu(0, "gfx1101", 17163091968, "0000:03:00.0", "AMD Radeon RX 7800 XT")
STRONG = Gpu(0, "gfx1151", 0, "", "AMD Radeon 8060S")
WEAK = Gpu(0, "gfx1036", 0)
MODEL = Model("ggml-small.en.bin", "http://h/ggml-small.en.bin", "ab" * 32, 487 << 20)
ON_CARD = ExpectedState("hip", CARD, MODEL)
ON_CPU = ExpectedState("cpu", None, MODEL)
TOOLS = [
    "hip-runtime-amd 7.2.0-1",
    "hipblas 7.2.0-1",
    "rocblas 7.2.0-1",
    "rocm-llvm 7.2.0-1",
    "c++ (GCC) 15.2.1 20251112",
    "cpu 35b197cbba74",
]
FAST, PLAIN = Speed("-fa", 200, 93, 480), Speed("-nfa", 200, 110, 520)
MANIFEST = {
    "release": {"label": "v1.9.1", "commit": "a" * 40},
    "backend": "hip",
    "cmake_arguments": ["-DGGML_HIP=ON", "-DAMDGPU_TARGETS=gfx1100;gfx1101"],
    "toolchain": TOOLS,
    "built": "2026-11-22T14:54:57+00:00",
    "acceptance": {MODEL.sha256: {"speeds": [PLAIN.record, FAST.record]}},
}
FOR_CPU = {**MANIFEST, "backend": "cpu", "cmake_arguments": ["-DGGML_HIP=OFF"]}
KFD = Device("/dev/kfd", "crw-rw----", "root", "render")
UNIT = "w.service"
URL = "http://127.0.0.1:2023"
AGAIN = "systemctl --user restart w.service; journalctl --user -u w.service -n 20"
SERVER = "voicemode-whisper.service"
LOG = f"journalctl --user -u {SERVER} -n 20"
KEY = "VOICEMODE_STT_BASE_URLS"
ENV, PROFILE = "/h/.voicemode/voicemode.env", "/h/.bashrc"
SPOKEN = "And so my fellow Americans, ask not what your country can do for you."


def test_a_table_has_a_line_for_each_check_and_more_below_what_failed():
    results = [
        CheckResult("GPU", "a card"),
        CheckResult("access", "closed", "open it"),
        CheckResult("device in use", "cpu", "restart", "see access"),
    ]
    assert health_report.table(results) == [
        ("OK    GPU            a card", ""),
        ("FAIL  access         closed", "red"),
        ("                     fix: open it", "red"),
        ("FAIL  device in use  cpu", "red"),
        ("                     cause: see access", "red"),
        ("                     fix: restart", "red"),
    ]
    assert health_report.verdict(results) == "2 of 3 checks failed: access, device in use"


def generation(number: int, status: str) -> Generation:
    return Generation(
        number, status, "f" * 12, "whisper.cpp v1.9.1 with small.en", "127.0.0.1:2023", 2022,
        reason="it crashed" if status == REJECTED else "", when="2026-11-28T02:00:00+00:00",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("statuses", "current", "found", "fix"),
    [
        ([], None, "none is set up", DEPLOY_AGAIN),
        ([CONFIRMED], 1, "1 (whisper.cpp v1.9.1 with small.en), confirmed 2026-11-28", ""),
        (
            [CANDIDATE],
            1,
            "1 (whisper.cpp v1.9.1 with small.en), candidate 2026-11-28",
            DEPLOY_AGAIN,
        ),
        (
            [CONFIRMED, REJECTED],
            1,
            "1 (whisper.cpp v1.9.1 with small.en), confirmed 2026-11-28; generation 2 (whisper.cpp "
            "v1.9.1 with small.en) was rejected on 2026-11-28: it crashed",
            "",
        ),
    ],
)
def test_the_generation(statuses: list[str], current: int | None, found: str, fix: str):
    all_of_them = tuple(generation(number + 1, status) for number, status in enumerate(statuses))
    expected = CheckResult("generation", found, fix)
    assert health_report.generation(Generations(all_of_them, current)) == expected


def test_nothing_is_said_of_what_is_well():
    assert health_report.verdict([CheckResult("GPU", "a card")]) == ""


@pytest.mark.parametrize(
    ("setting", "gpu", "manifest", "backend"),
    [
        ("auto", CARD, None, "hip"),
        ("auto", STRONG, None, "hip"),
        ("auto", WEAK, MANIFEST, "cpu"),
        ("auto", None, None, "cpu"),
        ("auto", None, FOR_CPU, "cpu"),
        # It was built for a card, so that the card is missing.
        ("auto", None, MANIFEST, "hip"),
        ("hip", None, None, "hip"),
        ("hip", WEAK, None, "hip"),
        ("cpu", CARD, MANIFEST, "cpu"),
        ("cpu", None, MANIFEST, "cpu"),
    ],
)
def test_what_was_asked_for_is_what_the_deploy_would_take(
    setting: str, gpu: Gpu | None, manifest: dict[str, object] | None, backend: str
):
    assert expected_backend(setting, gpu, manifest) == backend


@pytest.mark.parametrize(
    ("expected", "row"),
    [
        (ON_CARD, CheckResult("GPU", CARD.label)),
        (ExpectedState("cpu", CARD, MODEL), CheckResult("GPU", f"{CARD.label}; not used")),
        (ON_CPU, CheckResult("GPU", "none; the CPU is used")),
        (
            ExpectedState("hip", None, MODEL),
            CheckResult(
                "GPU",
                "the kernel shows none, instead of one for HIP",
                "sudo dmesg | grep -E 'amdgpu|kfd'",
            ),
        ),
    ],
)
def test_the_gpu(expected: ExpectedState, row: CheckResult):
    assert health_report.gpu(expected) == row


@pytest.mark.parametrize(
    ("expected", "missing", "row"),
    [
        (ON_CARD, [], CheckResult("ROCm", ", ".join(TOOLS[:4]))),
        (ON_CPU, [], CheckResult("packages", "c++ (GCC) 15.2.1 20251112")),
        (
            ON_CARD,
            ["rocm-hip-sdk", "ninja"],
            CheckResult("ROCm", "lacks rocm-hip-sdk, ninja", "sudo pacman -Syu rocm-hip-sdk ninja"),
        ),
        (ON_CPU, ["git"], CheckResult("packages", "lacks git", "sudo pacman -Syu git")),
    ],
)
def test_the_packages(expected: ExpectedState, missing: list[str], row: CheckResult):
    assert health_report.packages(expected, missing, TOOLS) == row


@pytest.mark.parametrize(
    ("expected", "manifest", "found", "fix"),
    [
        (ON_CARD, MANIFEST, "whisper.cpp v1.9.1 for gfx1100, gfx1101, of 2026-11-22", ""),
        (ON_CPU, FOR_CPU, "whisper.cpp v1.9.1 for the CPU, of 2026-11-22", ""),
        (ON_CARD, None, "made by hand, from what is not known", DEPLOY_AGAIN),
        (ON_CARD, FOR_CPU, "whisper.cpp v1.9.1 for cpu, asked for is hip", DEPLOY_AGAIN),
        (ON_CPU, MANIFEST, "whisper.cpp v1.9.1 for hip, asked for is cpu", DEPLOY_AGAIN),
        (
            ExpectedState("hip", STRONG, MODEL),
            MANIFEST,
            "whisper.cpp v1.9.1 for gfx1100, gfx1101: no code for gfx1151",
            f"{DEPLOY_AGAIN} --data gpu_targets=auto",
        ),
        (
            ON_CARD,
            {**MANIFEST, "toolchain": ["rocblas 7.1.0-1", *TOOLS[:2], *TOOLS[3:]]},
            "whisper.cpp v1.9.1 of 2026-11-22, when ROCm was another: now rocblas 7.2.0-1",
            DEPLOY_AGAIN,
        ),
    ],
)
def test_the_build(
    expected: ExpectedState, manifest: dict[str, object] | None, found: str, fix: str
):
    assert health_report.build(expected, True, manifest, TOOLS) == CheckResult("build", found, fix)


def test_no_build():
    assert health_report.build(ON_CARD, False, None, TOOLS) == CheckResult(
        "build", "there is none", DEPLOY_AGAIN
    )


STAMPED = ModelFile(MODEL.sha256, True, MODEL.sha256)
SAMPLED = "small.en, a sample of it is as when its SHA-256 was right"
RIGHT, OTHER = "small.en, its SHA-256 is right", "ggml-small.en.bin is another file than small.en"


@pytest.mark.parametrize(
    ("file", "taken", "found", "fix"),
    [
        (STAMPED, "", SAMPLED, ""),
        (STAMPED, MODEL.sha256, RIGHT, ""),
        (ModelFile(MODEL.sha256), "", RIGHT, ""),
        (None, "", "small.en is not there", DEPLOY_AGAIN),
        (ModelFile("cd" * 32), "", OTHER, DEPLOY_AGAIN),
        (ModelFile("cd" * 32), "cd" * 32, OTHER, DEPLOY_AGAIN),
        # Of this the deploy sees nothing, unless it has to read all of it.
        (STAMPED, "cd" * 32, OTHER, f"touch /m && {DEPLOY_AGAIN}"),
    ],
)
def test_the_model(file: ModelFile | None, taken: str, found: str, fix: str):
    row = health_report.model(ON_CARD, "/m", file, taken, served="small.en")
    assert row == CheckResult("model", found, fix)


def test_another_model_than_the_one_that_serves():
    row = health_report.model(ON_CARD, "/m", STAMPED, served="tiny.en")
    assert row == CheckResult("model", "tiny.en serves, asked for is small.en", DEPLOY_AGAIN)


def test_a_build_that_was_changed():
    row = health_report.changed_build("/b", ["bin/whisper-server", "vad.bin"])
    assert row == CheckResult(
        "build",
        "changed since it was accepted: bin/whisper-server, vad.bin",
        f"rm -r /b && {DEPLOY_AGAIN}",
    )


def test_access():
    assert health_report.access(None, tried=True).fix == ""
    assert health_report.access(Finding("what", "fix"), tried=True) == CheckResult(
        "access", "what", "fix"
    )


def test_access_that_nobody_could_try():
    assert health_report.access(None, tried=False) == CheckResult(
        "access",
        "not known: the user's service manager starts nothing",
        "systemctl --user status",
    )


def test_the_device_in_use():
    other, cause = "cpu instead of hip", Finding("what", "fix")
    row = health_report.device
    assert row(None, None, "RX 7800 XT") == CheckResult("device in use", "RX 7800 XT")
    assert row(other, cause, "") == CheckResult("device in use", other, "fix", "what")


def test_a_device_that_is_not_used_for_want_of_access_is_told_once():
    cause = Finding("what", "fix")
    assert health_report.device("cpu instead of hip", cause, "", cause) == CheckResult(
        "device in use",
        "cpu instead of hip",
        f"systemctl --user restart {SERVER}  # once access is fixed",
        "see access",
    )


def test_a_device_that_is_not_used_for_no_known_cause_may_be_after_a_restart():
    row = health_report.device("the CPU, as the kernel tells", None, "")
    assert row.fix.startswith(f"systemctl --user restart {SERVER}; ")
    assert row.cause == ""


@pytest.mark.parametrize(
    ("active", "enabled", "found", "fix"),
    [
        ("active", "enabled", "w.service runs, and after a boot too", ""),
        ("inactive", "enabled", "w.service is inactive", AGAIN),
        ("failed", "disabled", "w.service is failed", AGAIN),
        ("activating", "enabled", "w.service is activating", AGAIN),
        (
            "active",
            "disabled",
            "w.service runs, but is not enabled",
            "systemctl --user enable w.service",
        ),
        ("inactive", "", "there is no w.service", DEPLOY_AGAIN),
    ],
)
def test_a_unit(active: str, enabled: str, found: str, fix: str):
    state = ServiceState(units={UNIT: UnitState(active, enabled)})
    assert health_report.service("server", UNIT, state) == CheckResult("server", found, fix)


RUNS = UnitState("active", "enabled", pid=7, program="/b/whisper-server")
PROGRAMS = {SERVER_UNIT: "/b/whisper-server"}


@pytest.mark.parametrize(
    ("unit", "differing", "found"),
    [
        (RUNS, (), "runs, and after a boot too"),
        (replace(RUNS, program="/b/whisper-server-x"), (), "runs, and after a boot too"),
        (replace(RUNS, program="/usr/bin/x"), (), "runs /usr/bin/x instead of /b/whisper-server"),
        (replace(RUNS, program="/b/whisper-server (deleted)"), (), "runs /b/whisper-server (dele"),
        (RUNS, (SERVER_UNIT,), "is not as the deploy wrote it"),
        (replace(RUNS, enabled="masked"), (SERVER_UNIT,), "is masked"),
    ],
)
def test_a_unit_that_runs_something_else(unit: UnitState, differing: tuple[str, ...], found: str):
    state = ServiceState(programs=PROGRAMS, units={SERVER_UNIT: unit}, differing=differing)
    result = health_report.service("server", SERVER_UNIT, state)
    assert result.found.startswith(f"{SERVER_UNIT} {found}")
    assert result.fix == ("" if "after a boot" in found else DEPLOY_AGAIN)


def test_a_drop_in_that_tunes_is_told_and_one_that_runs_another_program_is_ill():
    state = ServiceState(programs=PROGRAMS, units={SERVER_UNIT: RUNS})
    tuned = Override(SERVER_UNIT, "/h/nice.conf", (("Nice", "5"),))
    well = health_report.service("server", SERVER_UNIT, state, [tuned])
    assert well == CheckResult(
        "server", f"{SERVER_UNIT} runs, and after a boot too, tuned by /h/nice.conf"
    )
    other = Override(SERVER_UNIT, "/h/other.conf", (("ExecStart", "/usr/bin/x"),))
    ill = health_report.service("server", SERVER_UNIT, state, [tuned, other])
    assert ill.found.startswith(f"/h/other.conf has {SERVER_UNIT} run /usr/bin/x")
    assert ill.fix


def test_a_port_is_the_user_s_own_or_names_who_has_it():
    own = Listener("127.0.0.1", 2022, 7, "whisper-server", 1000, "ada", SERVER_UNIT, 1000)
    at = ("127.0.0.1", 2022)
    assert health_report.port("whisper_port", at, [own], 1000) == CheckResult(
        "whisper_port", f"2022: whisper-server in {SERVER_UNIT} (ada)"
    )
    assert health_report.port("whisper_port", at, [own], 1001) == CheckResult(
        "whisper_port",
        f"2022 is taken by whisper-server in {SERVER_UNIT} (ada)",
        f"{DEPLOY_AGAIN} --data whisper_port=2032  # or end what has it",
    )
    assert health_report.port("whisper_port", at, [], 1000).found == "2022: nobody else has it"


def test_a_user_s_manager_is_ill_where_it_does_not_answer():
    runs = UserManager(257, True, "loaded", "active", "success", "degraded", ("x.service",))
    assert health_report.manager(runs, 1000) == CheckResult(
        "user manager", "user@1000.service runs, though x.service has failed there"
    )
    ill = health_report.manager(replace(runs, active="failed", manager=""), 1000)
    assert ill.found == "user@1000.service has failed (success)"
    assert ill.fix.startswith("journalctl -b -n 20 -u user@1000.service; ")


def test_linger():
    assert health_report.linger(True, "ada").fix == ""
    assert health_report.linger(False, "ada").fix == "sudo loginctl enable-linger ada"
    assert health_report.linger(False, "a p").fix == "sudo loginctl enable-linger 'a p'"


def test_a_home_that_is_mounted_at_login():
    late = [LateMount("fuse.gocryptfs", "/home/ada")]
    well, wrong = (health_report.linger(lingers, "ada", late) for lingers in (False, True))
    assert well.fix == ""
    assert well.found == (
        "nothing runs, as /home/ada (fuse.gocryptfs) is mounted at login; then they start"
    )
    assert wrong.found == (
        "nothing runs: /home/ada (fuse.gocryptfs) is mounted after ada's service manager has "
        "started"
    )
    assert wrong.fix.startswith("sudo loginctl disable-linger ada && systemctl --user daemon-rel")
    state = ServiceState(units={UNIT: UnitState("active", "enabled")})
    service = health_report.service("server", UNIT, state, late=late)
    assert service == CheckResult("server", "w.service runs, and after a login too")


@pytest.mark.parametrize(
    ("status", "body", "found", "fix"),
    [
        (200, '{"status": "ok"}', f"{URL} answers", ""),
        (200, "well", f"{URL} answers", ""),
        (0, "", f"nobody answers at {URL}", AGAIN),
        (503, '{"status":"loading model"}', f"{URL} says loading model", LOG),
        (404, "<html>", f"{URL} says HTTP status 404", LOG),
        (404, '["a"]', f"{URL} says HTTP status 404", LOG),
        (
            503,
            '{"status": "unavailable", "reason": "whisper-server is away or ill."}',
            f"{URL} says unavailable: whisper-server is away or ill",
            LOG,
        ),
        (
            200,
            '{"status": "degraded", "reason": "It is on the CPU; the doctor says why.", '
            '"in_use": "cpu"}',
            f"{URL} says degraded: It is on the CPU",
            "see device in use",
        ),
        (
            200,
            '{"status": "degraded", "reason": "ffmpeg is broken; x", "broken": ["decoder"]}',
            f"{URL} says degraded: ffmpeg is broken",
            "see decoding",
        ),
        (
            200,
            '{"status": "degraded", "reason": "No room.", "broken": ["spool"]}',
            f"{URL} says degraded: No room",
            "see uploads",
        ),
    ],
)
def test_a_server(status: int, body: str, found: str, fix: str):
    assert health_report.endpoint("proxy", URL, status, body, UNIT) == CheckResult(
        "proxy", found, fix
    )


@pytest.mark.parametrize(
    ("text", "seconds", "best", "found", "fix"),
    [
        (SPOKEN, 0.52, FAST, "the sample of 11 s transcribed in 0.52 s", ""),
        (SPOKEN, 2.9, FAST, "the sample of 11 s transcribed in 2.90 s", ""),
        (SPOKEN, 60, None, "the sample of 11 s transcribed in 60.00 s", ""),
        (
            SPOKEN,
            3,
            FAST,
            "the sample of 11 s transcribed in 3.00 s, where 0.48 s were enough when it was built",
            "rocm-smi; top  # end what else uses the GPU or the CPU",
        ),
        ("bananas", 1, FAST, f"{URL} does not transcribe the sample: bananas", DEPLOY_AGAIN),
        ("", 1, FAST, f"{URL} does not transcribe the sample: no answer", DEPLOY_AGAIN),
    ],
)
def test_speech(text: str, seconds: float, best: Speed | None, found: str, fix: str):
    assert health_report.speech(URL, text, seconds, best) == CheckResult("speech", found, fix)


def test_speech_that_had_to_wait_is_no_fault():
    row = health_report.speech(URL, SPOKEN, 30, FAST, ahead=2)
    assert row == CheckResult("speech", "the sample of 11 s transcribed in 30.00 s, after 2 others")


@pytest.mark.parametrize(
    ("body", "ahead"),
    [('{"queue": {"running": 1, "waiting": 3, "limit": 32}}', 4), ("{}", 0), ("<html>", 0)],
)
def test_who_is_served_before(body: str, ahead: int):
    assert health_report.requests_ahead(body) == ahead


def test_the_speed_stands_beside_the_guide_s():
    assert health_report.speed(ON_CARD, MANIFEST) == [
        CheckResult(
            "speed",
            "480 ms total, 93 ms encode, 22.9x real time "
            "(small.en, with flash attention, without 520 ms)",
        ),
        CheckResult(
            "guide's speed", "480 ms total, 93 ms encode, 23x real time (RX 7800 XT, small.en)"
        ),
    ]


def test_the_speed_of_one_way_alone():
    manifest = {"acceptance": {MODEL.sha256: {"speeds": [PLAIN.record]}}}
    assert health_report.speed(ON_CARD, manifest)[0].found.endswith(
        "(small.en, without flash attention)"
    )


@pytest.mark.parametrize("manifest", [None, {"acceptance": {}}])
def test_a_speed_that_nobody_measured(manifest: dict[str, object] | None):
    assert health_report.speed(ON_CARD, manifest) == [
        CheckResult("speed", "never measured with small.en", DEPLOY_AGAIN)
    ]


ASKED = f"{URL}/v1"


BEFORE = replace(ON_CARD, idle_watts=12)
ON_PROCESSOR = ExpectedState("hip", STRONG, MODEL)


@pytest.mark.parametrize(
    ("expected", "now", "serves", "ahead", "found"),
    [
        (BEFORE, Power(14, 1), True, 0,
         "14 W, 1 % busy, whisper-server idle; 12 W before it was set up"),
        (ON_CARD, Power(71, 100), True, 0, "71 W, 100 % busy, whisper-server idle"),
        (BEFORE, Power(182, 97), True, 2, "182 W, 97 % busy, not idle: 2 requests are ahead"),
        (BEFORE, Power(71), False, 0,
         "71 W, whisper-server not running; 12 W before it was set up"),
        (BEFORE, Power(None, 100), True, 0,
         "not known: the kernel does not say what the GPU draws"),
        (ON_PROCESSOR, Power(38, 2), True, 0,
         "38 W for the whole processor, 2 % busy, whisper-server idle"),
    ],
)  # fmt: skip
def test_what_the_gpu_draws(
    expected: ExpectedState, now: Power, serves: bool, ahead: int, found: str
):
    assert health_report.power(expected, now, serves, ahead) == CheckResult("power", found)


@pytest.mark.parametrize("busy", [0, 100, None])
def test_an_idle_card_that_draws_more_than_before_is_told_with_what_mends_it(busy: int | None):
    row = health_report.power(BEFORE, Power(71, busy), serves=True)
    assert "71 W" in row.found
    assert "12 W before" in row.found
    assert row.fix == f"{DEPLOY_AGAIN} --data idle_stop=15min"
    assert row.cause.startswith("some firmware keeps the clocks up")


def test_it_is_not_wrong_where_whisper_server_is_stopped_when_nobody_asks():
    row = health_report.power(replace(BEFORE, rests=True), Power(71, 100), serves=True)
    assert not row.failed
    assert row.found.endswith("12 W before it was set up; idle_stop ends that")


BY_VULKAN = ExpectedState("vulkan", CARD, MODEL)
REFUSED = Alternative("hip", "builds/hip", "it fell back", "2026-11-30T01:02:03")
SLOWER = Alternative("vulkan", "builds/vulkan", milliseconds=500)


@pytest.mark.parametrize(
    ("expected", "other", "backends", "row"),
    [
        (
            BY_VULKAN,
            REFUSED,
            ("hip", "vulkan"),
            CheckResult(
                "backend",
                "Vulkan, as HIP was refused on 2026-11-30",
                f"{DEPLOY_AGAIN} --data retry=yes  # tries it again",
                "it fell back",
                warning=True,
            ),
        ),
        (BY_VULKAN, REFUSED, ("vulkan",), None),  # it would not be tried
        (
            ON_CARD,
            SLOWER,
            ("hip", "vulkan"),
            CheckResult(
                "backend", "HIP, the faster on this card: Vulkan takes 500 ms without loading"
            ),
        ),
    ],
)
def test_what_the_gpu_is_used_through_where_there_is_a_choice(
    expected: ExpectedState,
    other: Alternative,
    backends: tuple[str, ...],
    row: CheckResult | None,
):
    serving = replace(generation(1, CONFIRMED), alternatives=(other,))
    assert health_report.backend(expected, serving, backends) == ([row] if row else [])
    assert health_report.backend(expected, None, backends) == []


def test_a_warning_is_no_failure():
    results = [CheckResult("backend", "Vulkan", "try again", "it fell back", warning=True)]
    assert health_report.verdict(results) == ""
    assert health_report.table(results)[0] == ("WARN  backend  Vulkan", "yellow")


def test_what_the_gpu_did_meanwhile():
    row = health_report.load
    assert row(ON_CARD, Power(182, 97)) == [CheckResult("load", "up to 182 W, 97 % busy")]
    assert row(ON_CARD, Power(None, 97)) == [CheckResult("load", "up to 97 % busy")]
    assert row(ON_CARD, Power()) == []


def env_file(value: str | None) -> EnvFile:
    text = "" if value is None else f"A=1\n{KEY} = {value}\n"
    return EnvFile(ENV, ENV, kind="regular file", owner="ada", text=text)


def set_in_profile(value: str, path: str = PROFILE) -> Setting:
    return Setting(KEY, value, path, 7)


@pytest.mark.parametrize(
    ("value", "behind"),
    [
        (ASKED, ""),
        (f"{ASKED}/", ""),
        ("http://localhost:2023/v1", ""),
        (
            f"{ASKED},https://me:secret@example.org/v1",
            ", and silence and what fails go to https://example.org/v1",
        ),
    ],
)
def test_voicemode_that_asks_the_proxy_first(value: str, behind: str):
    row = health_report.voicemode(ASKED, env_file(value), "ada", [set_in_profile(value)])
    assert row == CheckResult(
        "VoiceMode",
        f"is pointed at {ASKED} by {ENV}, line 2{behind}; "
        "one that runs reads it when it is restarted",
    )


def test_voicemode_that_asks_an_http_proxy_for_it():
    proxy = Setting("http_proxy", "http://me:secret@proxy.lan:3128", "/etc/environment", 3)
    row = health_report.voicemode(ASKED, env_file(ASKED), "ada", [proxy])
    assert not row.fix
    assert row.found.endswith(
        "restarted; /etc/environment, line 3, has it ask http_proxy for that: "
        "add 127.0.0.1 to no_proxy"
    )
    assert "secret" not in row.found


@pytest.mark.parametrize(
    "value", ["https://example.org/v1", f"https://example.org/v1,{ASKED}", f"{ASKED}x"]
)
def test_voicemode_that_asks_another_first(value: str):
    row = health_report.voicemode(ASKED, env_file(ASKED), "ada", [set_in_profile(value)])
    assert row.found == f"{PROFILE} says {value} (line 7)"
    assert row.fix.endswith("  # then restart Claude Code")
    row = health_report.voicemode(ASKED, env_file(value), "ada", [])
    assert (row.found, row.fix) == (f"{ENV}, line 2 says {value}", DEPLOY_AGAIN)


def test_a_variable_that_is_empty_hides_the_file_of_voicemode():
    row = health_report.voicemode(ASKED, env_file(ASKED), "ada", [set_in_profile("")])
    assert row.found == f"{PROFILE} says nothing (line 7)"
    assert row.fix.startswith(f"${{EDITOR:-nano}} +7 {PROFILE}")


def test_voicemode_that_was_never_told():
    row = health_report.voicemode(ASKED, env_file(None), "ada", [])
    assert row == CheckResult("VoiceMode", f"{ENV} does not name the proxy", DEPLOY_AGAIN)


def test_what_voicemode_cannot_read_is_told():
    row = health_report.voicemode(
        ASKED, replace(env_file(None), readable=False, owner="root"), "ada", []
    )
    assert row.found == f"{ENV} cannot be read by ada"
    assert row.fix == f"sudo chown ada {ENV} && chmod u+rw {ENV}"


def test_what_voicemode_listens_through():
    """It reads no file, so that nobody can set it up but the user."""
    row = health_report.voicemode_listen(ASKED, [set_in_profile("https://example.org/v1")])
    assert row.found == f"is not set up; who wants it: export {LISTEN}={ASKED}"
    assert row.fix == ""
    set_right = Setting(LISTEN, ASKED, PROFILE, 7)
    assert health_report.voicemode_listen(ASKED, [set_right]).found == f"is pointed at {ASKED}"
    for value in ("https://example.org/v1", f"{ASKED},https://example.org/v1"):
        elsewhere = Setting(LISTEN, value, PROFILE, 7)
        assert health_report.voicemode_listen(ASKED, [elsewhere]).fix.startswith("sed -i")


def test_what_mends_voicemode_does(tmp_path: Path):
    profile, other = tmp_path / ".bashrc", tmp_path / ".profile"
    profile.write_text(f'alias a=b\nexport {KEY}="https://example.org/v1"\n')
    other.write_text(f"{KEY}=https://example.org/v1\n")
    set_by = [
        Setting(KEY, "https://example.org/v1", str(path), line)
        for path, line in ((profile, 2), (other, 1))
    ]
    fix = health_report.voicemode(ASKED, env_file(ASKED), "ada", set_by).fix
    subprocess.run(fix, shell=True, check=True)
    assert profile.read_text() == f'alias a=b\nexport {KEY}="{ASKED}"\n'
    assert other.read_text() == f"{KEY}={ASKED}\n"


# What the guide that this project began with knew of trouble: its words, what the host is like
# then, and the part of the guide's advice that the doctor's has too.
GUIDE = {
    "hipcc not found": (health_report.packages(ON_CARD, ["rocm-hip-sdk"], []), "rocm-hip-sdk"),
    "gfx1100 not supported": (
        health_report.build(ExpectedState("hip", STRONG, MODEL), True, MANIFEST, TOOLS),
        "gpu_targets",
    ),
    "Server starts but slow": (
        health_report.device("cpu instead of hip", Finding("what", "fix"), ""),
        "fix",
    ),
    "Permission denied on GPU": (
        health_report.access(check_access(DeviceAccess((KFD,)), "ada"), tried=True),
        "sudo gpasswd -a ada render",
    ),
    "Proxy not connecting": (
        health_report.endpoint("whisper-server", "http://127.0.0.1:2022", 0, "", SERVER),
        f"restart {SERVER}",
    ),
    "VoiceMode not using local": (
        health_report.voicemode(
            ASKED, env_file(ASKED), "ada", [set_in_profile("https://example.org/v1")]
        ),
        "restart Claude Code",
    ),
}


@pytest.mark.parametrize(("row", "advice"), GUIDE.values(), ids=GUIDE)
def test_every_trouble_that_the_guide_knew_is_told_with_what_mends_it(
    row: CheckResult, advice: str
):
    assert advice in row.fix


VENV = Venv(True, "/usr/bin/python3.13", "3.13", packages=("3.13",), system="/usr/bin/python3.13")
OUTDATED = replace(
    VENV, interpreter="/usr/bin/python3.14", version="3.14", system="/usr/bin/python3.14"
)
PACKAGES_FOR = "its packages are for Python 3.13, /usr/bin/python3.14 is 3.14"
RUNS = UnitState("active", "enabled", program="/usr/bin/python3.13")


@pytest.mark.parametrize(
    ("venv", "proxy", "found"),
    [
        (VENV, RUNS, "3.13 (/usr/bin/python3.13)"),
        (
            VENV,
            replace(RUNS, program="/usr/bin/python3.13 (deleted)"),
            "3.13 (/usr/bin/python3.13); the proxy runs the one from before an upgrade until it is "
            "restarted",
        ),
    ],
)
def test_a_python_that_serves_is_named(venv: Venv, proxy: UnitState, found: str):
    assert health_report.python(venv, proxy) == CheckResult("Python", found)


@pytest.mark.parametrize(
    ("venv", "active", "found"),
    [
        (OUTDATED, "active", f"{PACKAGES_FOR}: the proxy runs on until it is restarted"),
        (OUTDATED, "activating", f"{PACKAGES_FOR}: the proxy does not start"),
        (
            replace(VENV, system="/usr/bin/python3.14"),
            "active",
            "the proxy's virtual environment goes with it: it depends on /usr/bin/python3.13, "
            "which is not the system's Python",
        ),
        (None, "inactive", "the proxy's virtual environment is not there"),
    ],
)
def test_a_python_that_went_is_told_before_the_proxy_is_restarted(
    venv: Venv | None, active: str, found: str
):
    proxy = replace(RUNS, active=active)
    assert health_report.python(venv, proxy) == CheckResult("Python", found, DEPLOY_AGAIN)


def test_what_fails_for_it_says_so():
    cause = health_report.python(OUTDATED, RUNS)
    fine = CheckResult("proxy unit", "it runs")
    dead = CheckResult("proxy unit", "it is activating", "restart it")
    assert health_report.caused_by(cause, fine) == fine
    assert health_report.caused_by(CheckResult("Python", "3.13"), dead) == dead
    told = health_report.caused_by(cause, dead)
    assert (told.fix, told.cause) == (DEPLOY_AGAIN, "see Python")


@pytest.mark.parametrize(
    ("heard", "body", "found", "fix"),
    [
        (SPOKEN, '{"wake_seconds": 1.94}', "a request has started it in 1.9 s", ""),
        (SPOKEN, '{"wake_seconds": null}', "a request has started it", ""),
        ("", "", "is not started by a request: no answer", "journalctl --user"),
        ("503 away", "", "is not started by a request: 503 away", "journalctl --user"),
    ],
)
def test_a_server_that_was_idle(heard: str, body: str, found: str, fix: str):
    result = health_report.woken(heard, body)
    assert result.found.startswith("whisper-server was idle, as nothing was asked for, and ")
    assert result.found.endswith(found)
    assert result.fix.startswith(fix)
    assert bool(result.fix) == bool(fix)
