"""Each part of a host, well and ill: what is said of it, and what mends it."""

import subprocess
from pathlib import Path

import pytest

from core import doctor
from core.diagnosis import DEPLOY_AGAIN, Cause, obstacle
from core.doctor import Row, Wish, wished_backend
from core.gpu import Gpu
from core.models import Model
from core.reach import Closed, Reach
from core.speed import Speed

CARD = Gpu(0, "gfx1101", 17163091968, "0000:03:00.0", "AMD Radeon RX 7800 XT")
STRONG = Gpu(0, "gfx1151", 0, "", "AMD Radeon 8060S")
WEAK = Gpu(0, "gfx1036", 0)
MODEL = Model("ggml-small.en.bin", "http://h/ggml-small.en.bin", "ab" * 32, 487 << 20)
ON_CARD = Wish("hip", CARD, MODEL)
ON_CPU = Wish("cpu", None, MODEL)
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
    "gate": {MODEL.sha256: {"speeds": [PLAIN.record, FAST.record]}},
}
FOR_CPU = {**MANIFEST, "backend": "cpu", "cmake_arguments": ["-DGGML_HIP=OFF"]}
KFD = Closed("/dev/kfd", "crw-rw----", "root", "render")
UNIT = "w.service"
URL = "http://127.0.0.1:2023"
AGAIN = "systemctl --user restart w.service; journalctl --user -u w.service -n 20"
SERVER = "voicemode-whisper.service"
LOG = f"journalctl --user -u {SERVER} -n 20"
KEY = "VOICEMODE_STT_BASE_URLS"
ENV, PROFILE = "/h/.voicemode/voicemode.env", "/h/.bashrc"
SPOKEN = "And so my fellow Americans, ask not what your country can do for you."


def test_a_table_has_a_line_for_each_part_and_more_below_what_is_ill():
    rows = [
        Row("GPU", "a card"),
        Row("access", "closed", "open it"),
        Row("device in use", "cpu", "restart", "see access"),
    ]
    assert doctor.table(rows) == [
        ("ok  GPU            a card", False),
        ("no  access         closed", True),
        ("                   to mend it: open it", True),
        ("no  device in use  cpu", True),
        ("                   the cause: see access", True),
        ("                   to mend it: restart", True),
    ]
    assert doctor.verdict(rows) == "not well: access, device in use"


def test_nothing_is_said_of_what_is_well():
    assert doctor.verdict([Row("GPU", "a card")]) == ""


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
    assert wished_backend(setting, gpu, manifest) == backend


@pytest.mark.parametrize(
    ("wish", "row"),
    [
        (ON_CARD, Row("GPU", CARD.label)),
        (Wish("cpu", CARD, MODEL), Row("GPU", f"{CARD.label}; not used")),
        (ON_CPU, Row("GPU", "none; the CPU is used")),
        (
            Wish("hip", None, MODEL),
            Row(
                "GPU",
                "the kernel shows none, asked for was hip",
                "sudo dmesg | grep -E 'amdgpu|kfd'",
            ),
        ),
    ],
)
def test_the_gpu(wish: Wish, row: Row):
    assert doctor.gpu(wish) == row


@pytest.mark.parametrize(
    ("wish", "missing", "row"),
    [
        (ON_CARD, [], Row("ROCm", ", ".join(TOOLS[:4]))),
        (ON_CPU, [], Row("packages", "c++ (GCC) 15.2.1 20251112")),
        (
            ON_CARD,
            ["rocm-hip-sdk", "ninja"],
            Row("ROCm", "lacks rocm-hip-sdk, ninja", "sudo pacman -Syu rocm-hip-sdk ninja"),
        ),
        (ON_CPU, ["git"], Row("packages", "lacks git", "sudo pacman -Syu git")),
    ],
)
def test_the_packages(wish: Wish, missing: list[str], row: Row):
    assert doctor.rocm(wish, missing, TOOLS) == row


@pytest.mark.parametrize(
    ("wish", "manifest", "found", "fix"),
    [
        (ON_CARD, MANIFEST, "whisper.cpp v1.9.1 for gfx1100, gfx1101, of 2026-11-22", ""),
        (ON_CPU, FOR_CPU, "whisper.cpp v1.9.1 for the CPU, of 2026-11-22", ""),
        (ON_CARD, None, "made by hand, from what is not known", DEPLOY_AGAIN),
        (ON_CARD, FOR_CPU, "whisper.cpp v1.9.1 for cpu, asked for is hip", DEPLOY_AGAIN),
        (ON_CPU, MANIFEST, "whisper.cpp v1.9.1 for hip, asked for is cpu", DEPLOY_AGAIN),
        (
            Wish("hip", STRONG, MODEL),
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
def test_the_build(wish: Wish, manifest: dict[str, object] | None, found: str, fix: str):
    assert doctor.build(wish, True, manifest, TOOLS) == Row("build", found, fix)


def test_no_build():
    assert doctor.build(ON_CARD, False, None, TOOLS) == Row("build", "there is none", DEPLOY_AGAIN)


@pytest.mark.parametrize(
    ("sha256", "found", "fix"),
    [
        (MODEL.sha256, "small.en, its SHA-256 is right", ""),
        (None, "small.en is not there", DEPLOY_AGAIN),
        ("cd" * 32, "ggml-small.en.bin is another file than small.en", DEPLOY_AGAIN),
    ],
)
def test_the_model(sha256: str | None, found: str, fix: str):
    assert doctor.model(ON_CARD, sha256) == Row("model", found, fix)


def test_access():
    assert doctor.access(None, tried=True).fix == ""
    assert doctor.access(Cause("what", "mend"), tried=True) == Row("access", "what", "mend")


def test_access_that_nobody_could_try():
    assert doctor.access(None, tried=False) == Row(
        "access",
        "not known: the user's service manager starts nothing",
        "systemctl --user status",
    )


def test_the_device_in_use():
    other, cause = "cpu, asked for was hip", Cause("what", "mend")
    row = doctor.device
    assert row(None, None, "RX 7800 XT") == Row("device in use", "RX 7800 XT")
    assert row(other, cause, "") == Row("device in use", other, "mend", "what")


def test_a_device_that_is_not_used_for_want_of_access_is_told_once():
    cause = Cause("what", "mend")
    assert doctor.device("cpu, asked for was hip", cause, "", cause) == Row(
        "device in use",
        "cpu, asked for was hip",
        f"systemctl --user restart {SERVER}  # when access is mended",
        "see access",
    )


def test_a_device_that_is_not_used_for_no_known_cause_may_be_after_a_restart():
    row = doctor.device("the CPU, as the kernel tells", None, "")
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
            "w.service runs, but will not after a boot",
            "systemctl --user enable w.service",
        ),
        ("inactive", "", "there is no w.service", DEPLOY_AGAIN),
    ],
)
def test_a_unit(active: str, enabled: str, found: str, fix: str):
    assert doctor.service("server", UNIT, active, enabled) == Row("server", found, fix)


def test_linger():
    assert doctor.linger(True, "ada").fix == ""
    assert doctor.linger(False, "ada").fix == "sudo loginctl enable-linger ada"


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
    ],
)
def test_a_server(status: int, body: str, found: str, fix: str):
    assert doctor.endpoint("proxy", URL, status, body, UNIT) == Row("proxy", found, fix)


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
    assert doctor.speech(URL, text, seconds, best) == Row("speech", found, fix)


def test_the_speed_stands_beside_the_guide_s():
    assert doctor.speed(ON_CARD, MANIFEST) == [
        Row(
            "speed",
            "480 ms total, 93 ms encode, 22.9x real time "
            "(small.en, with flash attention, without 520 ms)",
        ),
        Row("guide's speed", "480 ms total, 93 ms encode, 23x real time (RX 7800 XT, small.en)"),
    ]


def test_the_speed_of_one_way_alone():
    manifest = {"gate": {MODEL.sha256: {"speeds": [PLAIN.record]}}}
    assert doctor.speed(ON_CARD, manifest)[0].found.endswith("(small.en, without flash attention)")


@pytest.mark.parametrize("manifest", [None, {"gate": {}}])
def test_a_speed_that_nobody_measured(manifest: dict[str, object] | None):
    assert doctor.speed(ON_CARD, manifest) == [
        Row("speed", "never measured with small.en", DEPLOY_AGAIN)
    ]


@pytest.mark.parametrize(
    "value",
    [f"{URL}/v1", f"{URL}/v1/", "http://localhost:2023/v1", f"{URL}/v1,https://example.org/v1"],
)
def test_voicemode_that_asks_the_proxy_first(value: str):
    row = doctor.voicemode(KEY, f"{URL}/v1", [(ENV, f"{URL}/v1"), (PROFILE, value)])
    assert row.fix == ""
    assert row.found.startswith(f"is pointed at {URL}/v1")


@pytest.mark.parametrize(
    "value", ["https://example.org/v1", f"https://example.org/v1,{URL}/v1", "", f"{URL}/v1x"]
)
def test_voicemode_that_asks_another_first(value: str):
    row = doctor.voicemode(KEY, f"{URL}/v1", [(ENV, f"{URL}/v1"), (PROFILE, value)])
    assert row.found == f"{PROFILE} says {value}"


def test_voicemode_that_was_never_told():
    row = doctor.voicemode(KEY, f"{URL}/v1", [])
    assert row == Row("VoiceMode", "nothing names the proxy", DEPLOY_AGAIN)


def test_what_mends_voicemode_does(tmp_path: Path):
    profile, env = tmp_path / ".bashrc", tmp_path / "voicemode.env"
    profile.write_text(f'alias a=b\nexport {KEY}="https://example.org/v1"\n')
    env.write_text(f"{KEY}=https://example.org/v1\n")
    set_by = [(str(path), "https://example.org/v1") for path in (env, profile, profile)]
    subprocess.run(doctor.voicemode(KEY, f"{URL}/v1", set_by).fix, shell=True, check=True)
    assert profile.read_text() == f"alias a=b\nexport {KEY}={URL}/v1\n"
    assert env.read_text() == f"{KEY}={URL}/v1\n"


# What the guide that this project began with knew of trouble: its words, what the host is like
# then, and the part of the guide's advice that the doctor's has too.
GUIDE = {
    "hipcc not found": (doctor.rocm(ON_CARD, ["rocm-hip-sdk"], []), "rocm-hip-sdk"),
    "gfx1100 not supported": (
        doctor.build(Wish("hip", STRONG, MODEL), True, MANIFEST, TOOLS),
        "gpu_targets",
    ),
    "Server starts but slow": (
        doctor.device("cpu, asked for was hip", Cause("what", "mend"), ""),
        "mend",
    ),
    "Permission denied on GPU": (
        doctor.access(obstacle(Reach(closed=(KFD,)), "ada"), tried=True),
        "sudo usermod -aG render",
    ),
    "Proxy not connecting": (
        doctor.endpoint("whisper-server", "http://127.0.0.1:2022", 0, "", SERVER),
        f"restart {SERVER}",
    ),
    "VoiceMode not using local": (
        doctor.voicemode(KEY, f"{URL}/v1", [(PROFILE, "https://example.org/v1")]),
        "restart Claude Code",
    ),
}


@pytest.mark.parametrize(("row", "advice"), GUIDE.values(), ids=GUIDE)
def test_every_trouble_that_the_guide_knew_is_told_with_what_mends_it(row: Row, advice: str):
    assert advice in row.fix
