"""deploy.py on hosts that answer as they are told, through pyinfra's @fake connector.

What a fake cannot show, that the commands do what they say, is for the tests on boxes.
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
COMMIT = "a" * 40
HEALTHY = {
    "uname -m": [
        "user=ada", "uid=1000", "home=/home/ada", "architecture=x86_64", "init=systemd",
        'PRETTY_NAME="CachyOS"', "ID=cachyos", "ID_LIKE=arch",
    ],
    "sudo -n true": ["no"],
    "id -un": ["root"],
    "git-upload-pack": [f"003f{COMMIT} refs/heads/master", f"003e{COMMIT} refs/tags/v1.9.1"],
    "df -PB1": ["/dev/x 1 1 99999999999 1% /"],
}  # fmt: skip
DEBIAN = HEALTHY | {"uname -m": [*HEALTHY["uname -m"][:5], 'PRETTY_NAME="Debian 12"', "ID=debian"]}
CARD = "/sys/class/kfd/kfd/topology/nodes/1/properties:gfx_target_version 110001"


def plan(tmp_path: Path, hosts: dict[str, Any], *options: str) -> tuple[int, str, dict[str, Any]]:
    """Dry-run deploy.py: exit status, what it printed, and the operations of each host."""
    inventory = tmp_path / "inventory.py"
    entries = [
        (f"@fake/{name}", {"fake_responses": answers, "fake_delay": 0, "fake_delay_jitter": 0})
        for name, answers in hosts.items()
    ]
    inventory.write_text(f"hosts = {entries!r}")
    done = subprocess.run(
        [sys.executable, "-m", "pyinfra", "--dry", "--json", str(inventory), "deploy.py", *options],
        cwd=ROOT, capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    return done.returncode, done.stderr, json.loads(done.stdout)["plan"] if done.stdout else {}


def line_of(output: str, host: str) -> list[str]:
    """What was printed of one host, without its connection and readiness."""
    said = [line.split("]", 1)[1].strip() for line in output.splitlines() if f"/{host}]" in line]
    return [line for line in said if not line.startswith(("Connected", "Ready"))]


def test_a_healthy_machine_without_a_gpu_is_told_so(tmp_path: Path):
    status, output, _ = plan(tmp_path, {"a": HEALTHY})
    assert status == 0, output
    assert line_of(output, "a") == [
        "whisper.cpp v1.9.1 with small.en for the CPU: no AMD GPU found"
    ]


def test_a_machine_with_a_card_gets_a_build_for_it(tmp_path: Path):
    status, output, _ = plan(tmp_path, {"a": {"gfx_target_version": [CARD], **HEALTHY}})
    assert status == 0, output
    assert line_of(output, "a") == [
        "whisper.cpp v1.9.1 with small.en for AMD GPU (gfx1101), built for gfx1101"
    ]


def test_a_card_that_needs_its_neighbour_s_build_is_told_so(tmp_path: Path):
    card = CARD.replace("110001", "100302")
    status, output, _ = plan(tmp_path, {"a": {"gfx_target_version": [card], **HEALTHY}})
    assert status == 0, output
    (line,) = line_of(output, "a")
    assert line.endswith(
        "built for gfx1030, whose code gfx1032 runs (HSA_OVERRIDE_GFX_VERSION=10.3.0)"
    )


def test_integrated_graphics_are_left_alone_unless_asked_for(tmp_path: Path):
    host = {"a": {"gfx_target_version": [CARD.replace("110001", "100306")], **HEALTHY}}
    _, output, _ = plan(tmp_path, host)
    assert "for the CPU: AMD GPU (gfx1036) is a part of the processor" in output
    _, output, _ = plan(tmp_path, host, "--data", "whisper_backend=hip")
    assert "for AMD GPU (gfx1036), built for gfx1030" in output


def test_a_release_with_known_defects_is_skipped_and_that_is_said(tmp_path: Path):
    newer = [*HEALTHY["git-upload-pack"], f"003e{COMMIT} refs/tags/v1.9.2"]
    host = {"a": HEALTHY | {"git-upload-pack": newer}}
    _, output, _ = plan(tmp_path, host)
    assert line_of(output, "a")[0].startswith("whisper.cpp v1.9.1 with small.en")
    reason = "compiles HIP with unsafe maths, mended in v1.9.3"
    assert f"v1.9.2 is newer, and skipped: it {reason}" in output
    _, output, _ = plan(tmp_path, host, "--data", "whisper_version=v1.9.2")
    assert f"v1.9.2 has a known defect: it {reason}" in output
    _, output, _ = plan(tmp_path, host, "--data", "whisper_version=v1.9.1")
    assert "skipped" not in output


def test_one_host_s_trouble_is_its_own(tmp_path: Path):
    hosts = {"good": HEALTHY, "debian": DEBIAN, "other": HEALTHY}
    status, output, _ = plan(tmp_path, hosts)
    assert status == 1
    assert line_of(output, "debian") == [
        "host: this is Debian 12; needed is Arch Linux or one made from it (CachyOS)"
    ]
    for name in ("good", "other"):
        assert line_of(output, name)[0].startswith("whisper.cpp v1.9.1")


ROOT_USER = {"uname -m": ["user=root", *HEALTHY["uname -m"][1:]]}
TAKEN = [
    'LISTEN 0 5 127.0.0.1:2023 0.0.0.0:* users:(("x",pid=7,fd=3))',
    "cgroup of 7: 0::/a/x.scope",
]
OURS = [TAKEN[0], "cgroup of 7: 0::/user.slice/app.slice/voicemode-whisper-proxy.service"]
SYSTEMD = [
    'LISTEN 0 5 127.0.0.1:2023 0.0.0.0:* users:(("systemd",pid=7,fd=3))',
    "cgroup of 7: 0::/user.slice/user@1000.service/init.scope",
]


@pytest.mark.parametrize(
    ("answers", "options", "line"),
    [
        ({}, ["proxy_port=abc"], "proxy_port: got 'abc'; allowed is a port from 1024 to 65535"),
        ({}, ["whisper_backend=hip"], "whisper_backend: got 'hip', but the kernel shows no AMD"),
        ({}, ["whisper_version=v9.9.9"], "whisper_version: got 'v9.9.9', which whisper_repo"),
        ({}, ["whisper_version=1.10"], "whisper_version: got 1.1; allowed is latest"),
        (ROOT_USER, [], "user: connected as root"),
        ({"sport = :2023": TAKEN}, [], "proxy_port: 2023 is taken by x in x.scope"),
        ({"sport = :2023": SYSTEMD}, [], "proxy_port: 2023 is taken by systemd in init.scope"),
        ({}, ["proxy_api_key_file=/nope"], "proxy_api_key_file: got '/nope', which is not on"),
        ({"df -PB1": ["/dev/x 1 1 1000 1% /"]}, [], "disk: /home/ada/.voicemode/services has 0.0"),
        ({"git-upload-pack": ["curl: (6) no host"]}, [], "whisper_repo: cannot read https://"),
        ({"sudo -n true": ["yes"]}, [], "sudo: asks for a password, and there is no terminal"),
    ],
)
def test_what_cannot_work_is_one_line_and_nothing_is_planned(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answers: Any, options: list[str], line: str
):
    monkeypatch.delenv("PYINFRA_SUDO_PASSWORD", raising=False)
    data = [word for option in options for word in ("--data", option)]
    status, output, planned = plan(tmp_path, {"a": {**answers, **HEALTHY, **answers}}, *data)
    assert status == 1
    (said,) = line_of(output, "a")
    assert said.startswith(line)
    assert planned == {}


@pytest.mark.parametrize(
    "answers",
    [
        {"sport = :2023": OURS},
        {"sport = :2023": SYSTEMD, "NeedDaemonReload,Listen": ["Listen=127.0.0.1:2023 (Stream)"]},
    ],
)
def test_our_own_service_and_its_socket_may_have_the_port(tmp_path: Path, answers: Any):
    status, output, _ = plan(tmp_path, {"a": {**answers, **HEALTHY}})
    assert status == 0, output


def test_a_sudo_password_comes_from_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("PYINFRA_SUDO_PASSWORD", "secret")
    answers = {"mktemp": ["/tmp/askpass"], **HEALTHY, "sudo -n true": ["yes"]}
    status, output, _ = plan(tmp_path, {"a": answers})
    assert status == 0, output
    assert "secret" not in output
