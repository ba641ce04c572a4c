"""deploy.py on hosts that answer as they are told, through pyinfra's @fake connector.

What a fake cannot show, that the commands do what they say, is for the tests on boxes.
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.fake_hosts import COMMIT, HEALTHY, ROOMS, inventory
from tests.generations import manifest

ROOT = Path(__file__).parents[2]
DEBIAN = HEALTHY | {"uname -m": [*HEALTHY["uname -m"][:6], 'PRETTY_NAME="Debian 12"', "ID=debian"]}
CARD = "/sys/class/kfd/kfd/topology/nodes/1/properties:gfx_target_version 110001"


def plan(tmp_path: Path, hosts: dict[str, Any], *options: str) -> tuple[int, str, Any]:
    """Dry-run deploy.py: exit status, what it printed, and the operations of each host."""
    file = str(inventory(tmp_path, hosts))
    done = subprocess.run(
        [sys.executable, "-m", "pyinfra", "--dry", "--json", file, "deploy.py", *options],
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


def test_a_home_that_is_mounted_at_login_is_told_so(tmp_path: Path):
    late = {"say_late": ["late\tfuse.gocryptfs\t/home/ada", *ROOMS]}
    status, output, _ = plan(tmp_path, {"a": {**late, **HEALTHY, **late}})
    assert status == 0, output
    assert line_of(output, "a")[1:] == [
        "/home/ada (fuse.gocryptfs) is mounted at login, not when the machine starts: the services "
        "start when the user logs in, and end when they log out"
    ]


def test_integrated_graphics_are_left_alone_unless_asked_for(tmp_path: Path):
    host = {"a": {"gfx_target_version": [CARD.replace("110001", "100306")], **HEALTHY}}
    _, output, _ = plan(tmp_path, host)
    assert "for the CPU: AMD GPU (gfx1036) has but two compute units" in output
    _, output, _ = plan(tmp_path, host, "--data", "whisper_backend=hip")
    assert "for AMD GPU (gfx1036), built for gfx1030" in output


def test_a_release_with_known_defects_is_skipped_and_that_is_said(tmp_path: Path):
    newer = [*HEALTHY["git-upload-pack"], f"003e{COMMIT} refs/tags/v1.9.2"]
    host = {"a": HEALTHY | {"git-upload-pack": newer}}
    _, output, _ = plan(tmp_path, host)
    assert line_of(output, "a")[0].startswith("whisper.cpp v1.9.1 with small.en")
    reason = "compiles HIP with unsafe maths, fixed in v1.9.3"
    assert f"v1.9.2 is newer, and skipped: it {reason}" in output
    _, output, _ = plan(tmp_path, host, "--data", "whisper_version=v1.9.2")
    assert f"v1.9.2 has a known defect: it {reason}" in output
    _, output, _ = plan(tmp_path, host, "--data", "whisper_version=v1.9.1")
    assert "skipped" not in output


def test_a_tag_that_was_moved_is_said_and_not_followed_unless_asked(tmp_path: Path):
    before = manifest(1, release={"label": "v1.9.1", "commit": "b" * 40})
    said = ["current generations/1", f"manifest {json.dumps(before)}"]
    host = {"a": {"list-generations": said, **HEALTHY}}
    moved = "v1.9.1 was bbbbbbbbbbbb before and is aaaaaaaaaaaa now: upstream moved the tag, or "
    status, output, _ = plan(tmp_path, host)
    assert status == 0, output
    assert moved in output
    assert "bbbbbbbbbbbb is kept; --data retry=yes takes the new commit" in output
    _, output, _ = plan(tmp_path, host, "--data", "retry=yes")
    assert "the new commit is taken, as retry=yes says" in output
    _, output, _ = plan(tmp_path, host, "--data", "whisper_version=master")
    assert moved not in output


def test_credentials_in_urls_are_not_shown(tmp_path: Path):
    repo = "whisper_repo=https://ada:s3cr3t@host/x"
    model = ["whisper_model=https://ada:s3cr3t@host/x.bin?token=s3cr3t", f"model_sha256={'a' * 64}"]
    timer = ["upgrade_timer=daily", "notify_command=curl -d @- https://ntfy.sh/s3cr3t"]
    data = [word for option in (repo, *model, *timer) for word in ("--data", option)]
    answers = {"a": HEALTHY, "b": HEALTHY | {"git-upload-pack": ["it answered 503"]}}
    status, output, planned = plan(tmp_path, answers, "-vvv", "--debug", *data)
    assert status == 1
    assert "cannot read https://***@host/x as a git repository: it answered 503" in output
    assert "s3cr3t" not in output + json.dumps(planned)


OWN = "proxy_tls=/a.pem /b.key"


def test_a_certificate_of_one_s_own_is_looked_at_before_anything_is_changed(tmp_path: Path):
    good = ["now 1800000000", "issuer CN = x", "begins 1700000000", "ends 1900000000"]
    answers = {
        "good": [*good, "names DNS:stt.lan"],
        "foreign": ["now 1800000000", "problem /b.key is not the key of /a.pem"],
        "expired": [*good[:3], "ends 1799999999", "names DNS:stt.lan"],
    }
    hosts = {name: {"openssl crl2pkcs7": said, **HEALTHY} for name, said in answers.items()}
    status, output, _ = plan(tmp_path, hosts, "--data", OWN)
    assert status == 1
    assert line_of(output, "good")[0].startswith("whisper.cpp v1.9.1")
    begins = "proxy_tls: got '/a.pem /b.key', "
    assert line_of(output, "foreign") == [f"{begins}but /b.key is not the key of /a.pem"]
    assert line_of(output, "expired") == [f"{begins}which has expired on 2027-01-15; renew it"]


def test_a_certificate_is_made_only_where_it_is_asked_for(tmp_path: Path):
    for data, made in (("off", 0), ("internal", 1), ("/a.pem /b.key", 0)):
        said = {"openssl crl2pkcs7": ["now 2", "issuer x", "begins 1", "ends 9", "names DNS:x"]}
        hosts = {"a": {**said, **HEALTHY}}
        status, output, planned = plan(tmp_path, hosts, "--data", f"proxy_tls={data}")
        assert status == 0, output
        names = [operation["name"] for operation in planned]
        assert names.count("Certificates | Have a certificate for the proxy") == made


def test_one_host_s_trouble_is_its_own(tmp_path: Path):
    hosts = {"good": HEALTHY, "debian": DEBIAN, "other": HEALTHY}
    status, output, _ = plan(tmp_path, hosts)
    assert status == 1
    assert line_of(output, "debian") == [
        "host: this is Debian 12; needed is Arch Linux or one made from it (CachyOS)"
    ]
    for name in ("good", "other"):
        assert line_of(output, name)[0].startswith("whisper.cpp v1.9.1")


def test_a_setting_is_refused_before_anything_is_asked_of_the_host(tmp_path: Path):
    status, output, _ = plan(tmp_path, {"debian": DEBIAN}, "--data", "whisper_prot=2022")
    assert status == 1
    assert line_of(output, "debian") == [
        "whisper_prot: there is no such setting; did you mean whisper_port?"
    ]


IDENTITY = HEALTHY["uname -m"]
GARBAGE = {
    "places": ({"say_late": ["rubbish"]}, "places.Places: got 'rubbish', which it cannot read"),
    "pacman": ({"missing-packages": ["Hi there"]}, "pacman.MissingPackages: got 'Hi there', which"),
    "greeting": (
        {"uname -m": ["Welcome back", *IDENTITY]},
        "host: the login shell prints 'Welcome back' before a command's output; in ~/.bashrc, move",
    ),
    "cut-off": ({"uname -m": IDENTITY[:3]}, "machine.Identity: got '### identity"),
    "encoding": (
        {"uname -m": [line.replace("ada", "\ufffd") for line in IDENTITY]},
        "machine.Identity: got '### identity",
    ),
    "silent": ({"uname -m": []}, "host: it prints nothing when it is told to"),
}


def test_a_host_that_answers_rubbish_is_one_line_and_the_others_are_planned(tmp_path: Path):
    odd = {name: {**answers, **HEALTHY, **answers} for name, (answers, _) in GARBAGE.items()}
    status, output, planned = plan(tmp_path, {"good": HEALTHY, **odd})
    assert status == 1
    assert "Traceback" not in output
    for name, (_, line) in GARBAGE.items():
        assert line_of(output, name)[-1].startswith(line)
    changed = {host for operation in planned for host in operation["hosts_with_change"]}
    assert changed == {"@fake/good"}
    assert len(line_of(output, "good")) == 1


def test_what_an_operation_cannot_read_fails_the_host_of_a_dry_run(tmp_path: Path):
    answers, line = GARBAGE["pacman"]
    status, output, _ = plan(tmp_path, {"a": {**answers, **HEALTHY}})
    assert status == 1
    assert line_of(output, "a")[-1].startswith(line)


def test_a_stack_trace_is_for_those_who_ask_for_it(tmp_path: Path):
    answers, line = GARBAGE["places"]
    _, output, _ = plan(tmp_path, {"a": {**HEALTHY, **answers}}, "--debug")
    assert "Traceback" in output
    assert line in output


ROOT_USER = {"uname -m": ["### identity", "user=root", *HEALTHY["uname -m"][2:]]}
NUMBERED = [line.replace("user=ada", "user=1234") for line in IDENTITY]
ASKS = "sudo: a password is required"
PORTS = "listeners 2022 2023"
MANAGER = "/user.slice/user-{uid}.slice/user@{uid}.service"


def listener(program: str, cgroup: str, *more: str, uid: int = 1000) -> list[str]:
    """What listeners.sh prints of one that has the proxy's port."""
    group = f"cgroup {cgroup.replace('~', MANAGER).format(uid=uid)}"
    return ["socket 127.0.0.1:2023", f"process 7 {uid} {program}", f"user u{uid}", group, *more]


TAKEN = listener("x", "/a/x.scope")
OURS = listener("python", "~/app.slice/voicemode-whisper-proxy.service")
ANOTHERS = listener("python", "~/app.slice/voicemode-whisper-proxy.service", uid=1001)
SOCKET = listener("systemd", "~/init.scope", "asked 127.0.0.1:2023 voicemode-whisper-proxy.socket")
OTHER_SOCKET = listener("systemd", "~/init.scope", "asked 127.0.0.1:2023 y.socket")
OLD = ["Version=242", *HEALTHY["is-system-running"][1:]]
OVERRIDE = [
    *HEALTHY["is-system-running"],
    "drop-in voicemode-whisper.service /x.conf",
    "setting ExecStart=/usr/bin/y",
]


@pytest.mark.parametrize(
    ("answers", "options", "line"),
    [
        ({}, ["proxy_port=abc"], "proxy_port: got 'abc'; allowed is a port from 1024 to 65535"),
        ({}, ["whisper_backend=hip"], "whisper_backend: got 'hip', but the kernel shows no AMD"),
        ({}, ["whisper_version=v9.9.9"], "whisper_version: got 'v9.9.9', which whisper_repo"),
        ({}, ["whisper_version=1.10"], "whisper_version: got 1.1; allowed is latest"),
        (ROOT_USER, [], "user: connected as root"),
        ({PORTS: TAKEN}, [], "proxy_port: 2023 is taken by x in x.scope"),
        ({PORTS: ANOTHERS}, [], "proxy_port: 2023 is taken by python in voicemode-whisper-proxy."),
        ({PORTS: OTHER_SOCKET}, [], "proxy_port: 2023 is taken by systemd for y.socket (u1000)"),
        ({"is-system-running": OLD}, [], "systemd: this is 242; needed is 243 or newer"),
        ({"is-system-running": OVERRIDE}, [], "systemd: /x.conf has voicemode-whisper.service run"),
        ({}, ["proxy_api_key_file=/nope"], "proxy_api_key_file: got '/nope', which is not on"),
        (
            {"key-file": ["644 ada", "key"]},
            ["proxy_api_key_file=/k"],
            "proxy_api_key_file: got '/k', which others than ada can read or change; "
            "run: chmod 600 /k",
        ),
        (
            {"say_late": [line.replace("99999999999", "1000") for line in ROOMS]},
            [],
            "disk: /home/ada/.voicemode/services has 0.0 GiB free; needed are 1.6 GiB on /: 1 MiB "
            "for the run's notes, 1.0 GiB for the build, 0.5 GiB for the model, 100 MiB for the",
        ),
        (
            {"say_late": ["trouble\tforeign\troot\t/home/ada/.config\t/home/ada/.config", *ROOMS]},
            [],
            "rights: /home/ada/.config belongs to root, and ada may not write to it; "
            "run: sudo chown -R ada: /home/ada/.config",
        ),
        (
            {"uname -m": NUMBERED},
            [],
            "user: '1234' is a number, which loginctl takes",
        ),
        (
            {"uname -m": [line.replace("/home/ada", "/home/a$da") for line in IDENTITY]},
            [],
            "home: got '/home/a$da', with '$' in it",
        ),
        ({"git-upload-pack": ["curl: (6) no host"]}, [], "whisper_repo: cannot read https://"),
        (
            {"sudo -k -n sh -c true": [ASKS], "root-tools": ["run0", "su"]},
            [],
            "sudo: not installed; there is run0 and su, which the deploy does not use",
        ),
        (
            {"sudo -k -n sh -c true": [ASKS]},
            [],
            "sudo: asks for a password, and there is no terminal",
        ),
        (
            {"sudo -k -n sh -c true": ["sudo: sorry, you must have a tty to run sudo"]},
            [],
            "sudo: takes ada at a terminal alone (requiretty), and the deploy has none; with",
        ),
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


@pytest.mark.parametrize("said", [OURS, SOCKET])
def test_our_own_service_and_its_socket_may_have_the_port(tmp_path: Path, said: list[str]):
    status, output, _ = plan(tmp_path, {"a": {PORTS: said, **HEALTHY}})
    assert status == 0, output


def test_a_sudo_password_comes_from_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("PYINFRA_SUDO_PASSWORD", "secret")
    answers = {"askpass-XXX": ["/tmp/askpass"], **HEALTHY, "sudo -k -n sh -c true": [ASKS]}
    status, output, _ = plan(tmp_path, {"a": answers})
    assert status == 0, output
    assert "secret" not in output


UNATTENDED = ("--data", "unattended=yes")


def test_unattended_nothing_is_done_as_root_and_what_is_left_is_said(tmp_path: Path):
    status, output, operations = plan(tmp_path, {"a": HEALTHY}, *UNATTENDED)
    assert status == 0, output
    left = "an unattended run leaves that to deploy.py"
    assert line_of(output, "a")[1:] == [
        f"access: ada is not in the group render; {left}",
        f"access: ada is not in the group video; {left}",
        f"access: the services do not run without a login; {left}",
    ]
    stages = {operation["name"].split(" | ")[0] for operation in operations}
    assert stages & {"Packages", "Access"} == set()
    assert {"whisper.cpp", "Services", "Verify", "Upgrades"} <= stages


def test_a_run_of_the_machine_s_own_leaves_its_timer_alone(tmp_path: Path):
    own = (*UNATTENDED, "--data", "known_as=a", "--data", "upgrade_timer=daily")
    status, output, operations = plan(tmp_path, {"a": HEALTHY}, *own)
    assert status == 0, output
    assert not [one["name"] for one in operations if one["name"].startswith("Upgrades")]


def test_unattended_a_missing_package_ends_the_run(tmp_path: Path):
    missing = {"say_late": ["missing\tcmake", "missing\tninja", *ROOMS]}
    host = {"a": {**missing, **HEALTHY, **missing}}
    status, output, _ = plan(tmp_path, host, *UNATTENDED)
    assert status == 1
    assert line_of(output, "a") == [
        "packages: cmake ninja is missing, and an unattended run installs nothing: run deploy.py, "
        "or sudo pacman -Syu --needed cmake ninja"
    ]


@pytest.mark.parametrize("unattended", [(), UNATTENDED])
def test_a_machine_that_upgrades_itself_has_the_deploy(tmp_path: Path, unattended: tuple[str, ...]):
    data = ("--data", "upgrade_timer=daily", *unattended)
    status, output, operations = plan(tmp_path, {"a": HEALTHY}, *data)
    assert status == 0, output
    names = [one["name"] for one in operations if one["name"].startswith("Upgrades | ")]
    assert names == [
        "Upgrades | Copy this project",
        "Upgrades | Have a virtual environment with pyinfra",
        "Upgrades | Upgrade by itself: daily",
    ]


def test_home_assistant_without_a_key_is_warned_of(tmp_path: Path):
    data = ("--data", "proxy_api_key_file=/key", "--data")
    host = {"a": HEALTHY | {"key-file": ["600 ada", "key"]}}
    _, output, _ = plan(tmp_path, host, *data, "wyoming=0.0.0.0:10300")
    assert "wyoming: who reaches 0.0.0.0:10300 needs no key" in output
    _, output, _ = plan(tmp_path, host, *data, "wyoming=127.0.0.1:10300")
    assert "needs no key" not in output


def check(tmp_path: Path, hosts: dict[str, Any], *options: str) -> tuple[int, str]:
    """What would be changed: the exit status, and the table."""
    done = subprocess.run(
        [
            *(sys.executable, "-m", "voicemode_whisper.check"),
            *(str(inventory(tmp_path, hosts)), "deploy.py", *options),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        stdin=subprocess.DEVNULL,
    )
    return done.returncode, done.stdout


@pytest.mark.parametrize("option", [[], ["-y"]])
def test_what_would_change_is_told_by_host_and_by_the_status(tmp_path: Path, option: list[str]):
    status, table = check(tmp_path, {"a": HEALTHY}, *option)
    assert status == 2
    heading, first, *rest = table.splitlines()
    assert heading.split() == ["host", "would", "change"]
    assert first == "@fake/a  Access | Join the render and video groups"
    assert "         Services | Switch to whisper.cpp v1.9.1 with small.en" in rest


def test_where_what_would_change_is_not_known_the_status_is_another(tmp_path: Path):
    status, table = check(tmp_path, {"a": HEALTHY, "b": DEBIAN})
    assert status == 1
    assert "@fake/b  unknown, as told above" in table.splitlines()
    garbled, _ = GARBAGE["pacman"]
    status, table = check(tmp_path, {"a": HEALTHY, "c": {**garbled, **HEALTHY}}, "-y")
    assert status == 1
    assert "@fake/c  unknown, as told above" in table.splitlines()
    assert check(tmp_path, {"a": HEALTHY}, "--limit", "nobody")[0] == 1
    assert check(tmp_path, {"a": HEALTHY}, "--no-such-option") == (1, "")
