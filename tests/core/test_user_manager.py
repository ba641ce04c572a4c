"""What systemd tells of a user's manager, and which files keep units from running ours."""

from dataclasses import replace

import pytest

from voicemode_whisper.core.errors import UserError
from voicemode_whisper.core.layout import PROXY_SOCKET, PROXY_UNIT, SERVER_UNIT
from voicemode_whisper.core.user_manager import (
    Override,
    UserManager,
    check_manager,
    find_override,
    parse_user_manager,
)

SAID = [
    "Version=257",
    "Linger=yes",
    "LoadState=loaded",
    "ActiveState=active",
    "Result=success",
    "Manager=degraded",
    "Failed=music.service",
    f"drop-in {SERVER_UNIT} /home/ada/.config/systemd/user/{SERVER_UNIT}.d/b.conf",
    "setting Nice=5",
    f"drop-in {SERVER_UNIT} /etc/systemd/user/{SERVER_UNIT}.d/b.conf",
    "setting ExecStart=/hidden",
    f"drop-in {SERVER_UNIT} /etc/systemd/user/{SERVER_UNIT}.d/a.conf",
    "setting ExecStart=",
    "setting ExecStart=/usr/bin/other --port 2022",
]
RUNS = UserManager(257, True, "loaded", "active", "success", "running")
SERVER = "%h/.voicemode/services/current/build/bin/whisper-server"
WITH_PATH = f"{SERVER} --request-path (@request-path|(?=/health$$))"


def test_what_the_host_prints_is_read():
    found = parse_user_manager(SAID)
    assert replace(found, overrides=()) == replace(
        RUNS, manager="degraded", failed=("music.service",)
    )
    names = [one.path.rpartition("/")[2] for one in found.overrides]
    assert names == ["a.conf", "b.conf"], "of one name the first counts, by name in order"
    assert found.overrides[1].settings == (("Nice", "5"),)


def test_where_it_has_never_run_it_will_be_started():
    said = "Version=257 Linger=no LoadState=loaded ActiveState=inactive Manager=offline"
    found = parse_user_manager(said.split())
    check_manager(found, "ada", 1000)
    assert not found.answers


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"systemd": 242}, "systemd: this is 242; needed is 243 or newer"),
        ({"lingers": None}, "systemd: logind does not answer"),
        (
            {"load": "masked"},
            "systemd: ada's service manager: user@1000.service is masked; fix",
        ),
        (
            {"active": "failed", "result": "exit-code", "manager": "offline"},
            "systemd: ada's service manager: user@1000.service has failed (exit-code); fix: ",
        ),
        ({"manager": ""}, "systemd: ada's service manager: user@1000.service runs, but does not"),
    ],
)
def test_what_cannot_be_started_is_one_line(changes: dict[str, object], line: str):
    with pytest.raises(UserError) as refused:
        check_manager(replace(RUNS, **changes), "ada", 1000)
    assert str(refused.value).startswith(line)


def test_a_degraded_one_is_no_matter():
    check_manager(replace(RUNS, manager="degraded", failed=("x.service",)), "ada", 1000)


@pytest.mark.parametrize(
    ("unit", "name", "value", "harms"),
    [
        (SERVER_UNIT, "ExecStart", "", False),
        (SERVER_UNIT, "ExecStart", "/usr/bin/other", True),
        (SERVER_UNIT, "ExecStart", SERVER, True),
        (SERVER_UNIT, "ExecStart", WITH_PATH, False),
        (SERVER_UNIT, "ExecStart", f"/usr/bin/nice -n 5 {WITH_PATH}", False),
        (SERVER_UNIT, "WorkingDirectory", "/tmp", True),
        (SERVER_UNIT, "WorkingDirectory", "%h/.voicemode/services/current/", False),
        (SERVER_UNIT, "Environment", "LD_PRELOAD=/usr/lib/x.so", True),
        (SERVER_UNIT, "Environment", "", True),
        (SERVER_UNIT, "Environment", "HSA_OVERRIDE_GFX_VERSION=11.0.0", False),
        (SERVER_UNIT, "EnvironmentFile", "", True),
        (SERVER_UNIT, "EnvironmentFile", "%h/more.env", False),
        (SERVER_UNIT, "Nice", "5", False),
        (PROXY_UNIT, "ExecStart", "/usr/bin/python -m http.server 2023", True),
        (PROXY_UNIT, "Environment", "WHISPER_PROXY_UPSTREAM=http://127.0.0.1:1", True),
        (PROXY_UNIT, "Environment", "WHISPER_PROXY_MAX_WAIT=60", False),
        (PROXY_SOCKET, "ListenStream", "127.0.0.1:9", True),
        (PROXY_SOCKET, "Backlog", "9", False),
    ],
)
def test_what_runs_another_program_is_told_from_what_tunes(
    unit: str, name: str, value: str, harms: bool
):
    override = Override(unit, "/home/ada/x.conf", ((name, value),))
    found = find_override([override])
    assert bool(found) is harms
    assert not found or found.what.startswith("/home/ada/x.conf ")


def test_the_file_is_named_with_what_mends_it():
    override = Override(SERVER_UNIT, "/etc/x.conf", (("ExecStart", "/usr/bin/other"),))
    assert str(find_override([override])) == (
        "/etc/x.conf has voicemode-whisper.service run /usr/bin/other, so it does not run what is "
        "deployed; fix: sudo sed -i '/^ *ExecStart *=/d' /etc/x.conf && systemctl --user "
        "daemon-reload && systemctl --user restart voicemode-whisper.service"
    )
    assert find_override([override], PROXY_UNIT) is None
    hidden = find_override([Override(SERVER_UNIT, "/run/user/1/x", hides=True)])
    assert hidden
    assert hidden.what == "/run/user/1/x hides the deploy's voicemode-whisper.service"


@pytest.mark.parametrize(
    ("lingers", "active", "runs"),
    [(True, "active", True), (True, "failed", False), (False, "active", False)],
)
def test_services_run_without_a_login_where_the_lingering_manager_does(
    lingers: bool, active: str, runs: bool
):
    assert UserManager(lingers=lingers, active=active).runs_without_login is runs
