"""Who answers is this user's own service, or it is nobody, and that is said."""

import shlex
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.boxes import Box
from tests.machines.deploying import SERVICES, Run, deploy, raise_boxes
from voicemode_whisper.core.layout import PROXY_SOCKET, PROXY_UNIT, SERVER_UNIT
from voicemode_whisper.scripts import words

UNITS = "~/.config/systemd/user"
DROP_IN = f"{UNITS}/{SERVER_UNIT}.d/own.conf"
# Connections of whisper-server would keep its own port from others for a minute.
OTHER = "/usr/bin/python3 -u -m http.server --bind 127.0.0.1 2042"
DOCTOR = "tasks/doctor.py"
BEA = {"ssh_user": "bea"}
PROGRAM = "/home/ada/.voicemode/services/current/build/bin/whisper-server"
TIMEOUT = "timeout 20 sh -c"
AT_OTHER = "curl -fs -o /dev/null 127.0.0.1:2042/health"


@pytest.fixture(scope="module")
def box(served: str) -> Iterator[Box]:
    with raise_boxes("who", base=served) as (serving,):
        serving.run(
            "useradd -m -s /bin/bash bea && install -d -o bea ~bea/.ssh &&"
            " install -o bea ~ada/.ssh/authorized_keys ~bea/.ssh &&"
            " echo 'bea ALL=(ALL:ALL) NOPASSWD: ALL' > /etc/sudoers.d/bea",
            user="root",
        )
        yield serving


def said(box: Box, run: Run) -> list[str]:
    """The lines of a run about the box, without its name."""
    assert "Traceback" not in run.output
    found = (line.partition(f"[{box.name}] ") for line in run.output.splitlines())
    return [text.strip() for _, name, text in found if name and "Connected" not in text]


def row(box: Box, name: str, **data: object) -> str:
    """What the doctor says of one part, with what is below it."""
    lines = said(box, deploy(box, file=DOCTOR, **data))
    (start,) = [n for n, line in enumerate(lines) if line[4:].strip().startswith(f"{name}  ")]
    return "\n".join(lines[start : start + 3])


@contextmanager
def changed(box: Box, do: str, undo: str) -> Iterator[None]:
    """A box that ada has changed, for as long as the context lasts."""
    try:
        box.run(do)
        yield
    finally:
        box.run(undo)


def awaited(box: Box, port: int = 2022, seconds: int = 20) -> str:
    """The last line of await-units.sh; empty where all is well."""
    command = words("await-units", SERVER_UNIT, f"http://127.0.0.1:{port}/health", PROGRAM)
    done = box.run(f"AWAIT_SECONDS={seconds} {shlex.join(command)} 2>&1 | tail -n 1")
    return done.stdout.strip()


def test_a_second_user_is_told_who_has_the_ports_and_which_are_free(box: Box):
    (line,) = said(box, deploy(box, **BEA))
    assert line.startswith(
        f"whisper_port: 2022 is taken by whisper-server in {SERVER_UNIT} (ada); "
        f"proxy_port: 2023 is taken by systemd for {PROXY_SOCKET} (ada)"
    )
    assert line.endswith("deploy.py --data whisper_port=2032 --data proxy_port=2033"), line
    (line,) = said(box, deploy(box, proxy_port=2033, **BEA))
    assert line.startswith("whisper_port: 2022 is taken by")
    assert "proxy_port: " not in line


def test_another_loopback_address_is_no_conflict_and_a_foreign_socket_is_named(box: Box):
    listen = "ListenStream=127.0.0.2:2022\\nListenStream=127.0.0.1:2043\\n"
    box.run(
        f"printf '[Socket]\\n{listen}Accept=yes\\n' > /run/systemd/system/squat.socket;"
        "printf '[Service]\\nExecStart=/bin/cat\\n' > /run/systemd/system/squat@.service;"
        "systemctl daemon-reload; systemctl start squat.socket",
        user="root",
    )
    try:
        assert "2022: whisper-server in" in row(box, "whisper_port")
        (line,) = said(box, deploy(box, proxy_port=2043))
    finally:
        box.run("systemctl stop squat.socket; rm /run/systemd/system/squat*; "
                "systemctl daemon-reload", user="root")  # fmt: skip
    assert line.startswith("proxy_port: 2043 is taken by systemd for squat.socket (system, root);")


def test_a_drop_in_that_runs_another_program_is_named_by_all(box: Box):
    write = (
        f"mkdir -p $(dirname {DROP_IN}) && printf '[Service]\\nExecStart=\\nExecStart={OTHER}\\n'"
    )
    restart = f"systemctl --user daemon-reload && systemctl --user restart {SERVER_UNIT}"
    do = f"{write} > {DROP_IN} && {restart}"
    with changed(box, do, f"rm -r $(dirname {DROP_IN}); {restart}"):
        here = DROP_IN.replace("~", "/home/ada")
        (line,) = said(box, deploy(box))
        assert line.startswith(f"systemd: {here} has {SERVER_UNIT} run {OTHER}, so it does not")
        assert f"{here} has {SERVER_UNIT} run" in row(box, "server unit")
        found = awaited(box, 2042)
    assert found.startswith(f"{SERVER_UNIT} runs /usr/bin/python3")
    assert found.endswith(here)
    assert awaited(box) == ""


def test_a_unit_written_by_another_installer_is_ill_until_the_next_deploy(box: Box):
    unit = f"{UNITS}/{SERVER_UNIT}"
    with changed(box, f"cp {unit} ~/kept && printf '[Service]\\nExecStart={OTHER}\\n' > {unit}",
                 f"mv ~/kept {unit}; systemctl --user daemon-reload"):  # fmt: skip
        told = row(box, "server unit")
        assert told.startswith(f"FAIL  server unit       {SERVER_UNIT} is not as the deploy wrote")
        run = deploy(box)
        assert run.status == 0, run.output
        assert box.run(f"cmp {unit} ~/kept; cat {unit}.by-hand").stdout.endswith(f"{OTHER}\n")


def test_a_unit_that_flaps_while_another_program_answers_is_not_up(box: Box):
    """Her speech, and the secret path, stay with her proxy, which says that something is wrong."""
    environment = f"{SERVICES}/current/server.env", f"{SERVICES}/current/proxy.env"
    restart = f"systemctl --user restart {SERVER_UNIT} {PROXY_UNIT}"
    server = f"{OTHER} --directory /opt"
    run = (
        f"systemd-run -q --collect --unit=other --uid=bea -p StandardError=file:/run/heard {server}"
    )
    box.run(f"touch /opt/health; {run}; {TIMEOUT} 'until {AT_OTHER}; do sleep 0.1; done'",
            user="root")  # fmt: skip
    box.run(
        f"echo WHISPER_PORT=2042 >> {environment[0]};"
        f"echo WHISPER_PROXY_UPSTREAM=http://127.0.0.1:2042 >> {environment[1]}; {restart}"
    )
    try:
        assert awaited(box, 2042, 5).endswith("port 2042 is taken by another program")
        post = f"-F file=@{SERVICES}/whisper.cpp/samples/jfk.wav -F model=whisper-1"
        box.run(f"curl -s -m 3 {post} 127.0.0.1:2023/v1/audio/transcriptions", check=False)
        health = box.run("curl -s 127.0.0.1:2023/health").stdout
        heard = box.run("cat /run/heard", user="root").stdout
        told = row(box, "whisper_port", whisper_port=2042)
        (line,) = said(box, deploy(box, whisper_port=2042))
    finally:
        box.run("systemctl stop other; rm /opt/health /run/heard", user="root")
        box.run(f"sed -i /2042$/d {' '.join(environment)}; {restart}")
    assert '"status": "degraded"' in health
    asked = {entry.split('"')[1] for entry in heard.splitlines() if '"' in entry}
    assert asked == {"GET /health HTTP/1.1"}, "no speech, and no secret path"
    taken = "2042 is taken by python3 in other.service (system, bea)"
    assert told.startswith(f"FAIL  whisper_port      {taken}")
    assert line.startswith(f"whisper_port: {taken}; take what is free: ")
    assert awaited(box) == ""


def test_a_service_manager_that_has_gone_is_one_line(box: Box):
    box.run("mv /run/user/1000/systemd/private /run/user/1000/systemd/away", user="root")
    try:
        (line,) = said(box, deploy(box))
    finally:
        box.run("mv /run/user/1000/systemd/away /run/user/1000/systemd/private", user="root")
    assert line.startswith("systemd: ada's service manager: user@1000.service runs, but does not")


def test_units_that_systemd_would_refuse_are_not_put_in_place(box: Box):
    """What it ignores, or a program that is not there yet, is no reason to refuse one."""
    fine = "[Service]\\nExecStart=/none/there\\nNewSetting=yes\\nMemoryMax=a\\n"
    for name, text, refused in (("fine", fine, ""), ("bad", "[Service]\\nType=notify\\n", "bad")):
        texts = {f"units/{name}.service": text.replace("\\n", "\n"), "request-path.c": "int x;\n"}
        arguments = [word for pair in texts.items() for word in pair]
        place = f"/home/ada/{name}"
        command = words("write-generation", place, "1", *[""] * 5, *arguments)
        done = box.run(f"mkdir -p {place}/generations && {shlex.join(command)}", check=False)
        assert (done.returncode == 0) is not bool(refused), done.stderr
        assert ("systemd refuses the units: " in done.stderr) is bool(refused)
        assert box.run(f"test -e {place}/generations/1", check=False).returncode == bool(refused)
