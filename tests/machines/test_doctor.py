"""What tasks/doctor.py says of a machine, well and ill in every way that is known.

There is no AMD card here. A fake stands in for one (see card.py): what is ill about it is made so
for real on the box, and what the doctor reads is what it would read of a card.
"""

import re
import shlex
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.boxes import Box
from tests.machines import card
from tests.machines.card import KFD, PACMAN, SYSTEMCTL, UNITS
from tests.machines.deploying import ROOT, deploy, deployed, health, raise_boxes
from tests.machines.doctoring import Table, examined
from tests.machines.footprint import Footprint, differences, footprint
from voicemode_whisper.core.acceptance import parse_smoke_tests
from voicemode_whisper.core.backend_log import usage
from voicemode_whisper.core.diagnosis import DEPLOY_AGAIN, EDIT_UNIT
from voicemode_whisper.core.layout import PROXY_UNIT, SERVER_UNIT
from voicemode_whisper.core.speech import is_spoken
from voicemode_whisper.scripts import words

LABEL = "AMD GPU (gfx1101, 16 GiB, 0000:03:00.0)"
RESTART = f"systemctl --user restart {SERVER_UNIT}"
PROFILE = "/home/ada/.bashrc"
MODEL = f"{card.WHISPER}/models/ggml-tiny.en.bin"
KEY = "VOICEMODE_STT_BASE_URLS"
SITE = f"{card.SERVICES}/current/venv/lib/python3*/site-packages"
LIBAVUTIL = "/usr/lib/x86_64-linux-gnu/libavutil.so"
TO_CARD = {"whisper_backend": "hip", "gpu_kfd": KFD, "gpu_pci": card.PCI}
VERIFY = """
from tasks import verify

verify.transcribe()
"""
MAIN_PIDS = f"systemctl --user show -p MainPID,NRestarts {SERVER_UNIT} {PROXY_UNIT}"


@pytest.fixture(scope="module")
def box(served: str) -> Iterator[Box]:
    with raise_boxes("doctor", base=served) as (serving,):
        card.insert(serving)
        yield serving


@dataclass(frozen=True)
class Watched:
    """A run of the doctor, and what stood on the box before it and after."""

    table: Table
    before: Footprint
    after: Footprint


@pytest.fixture(scope="module")
def well(box: Box) -> Watched:
    """The doctor's visit to a machine that is well."""
    box.run(card.settle())
    before = looked_at(box)
    table = examined(box, **TO_CARD)
    return Watched(table, before, looked_at(box))


def looked_at(box: Box) -> Footprint:
    """The footprint of the box, with which processes serve."""
    return footprint(box) | {"processes": box.run(MAIN_PIDS).stdout}


def test_a_machine_that_is_well(box: Box, well: Watched):
    rows = well.table.rows
    assert well.table.status == 0
    assert well.table.verdict == "all checks passed"
    assert rows["GPU"] == f"OK  {LABEL}"
    assert "rocblas 7.2.0-1" in rows["ROCm"]
    assert "whisper.cpp v1.9.1 for gfx1101" in rows["build"]
    assert rows["device in use"] == "OK  AMD Radeon RX 7800 XT (gfx1101), 74 MiB of its memory"
    assert card.SLOW.label in rows["speed"]
    assert rows["power"] == "OK  14 W, 1 % busy, whisper-server idle; 12 W before it was set up"
    assert rows["load"] == "OK  up to 14 W, 1 % busy"
    assert rows["next boot"] == "OK  what serves starts again"
    assert rows["decoding"] == "OK  /usr/bin/ffmpeg decodes MP3, Opus, AAC"
    assert rows["proxy code"].startswith("OK  as it was installed")
    assert re.match(r"OK  \d+\.\d GB free in /var/tmp \(.+\); all together", rows["uploads"])
    assert rows["model"] == "OK  tiny.en, a sample of it is as when its SHA-256 was right"
    assert all(figure in rows["guide's speed"] for figure in ("480 ms", "93 ms", "23x"))
    assert health(box)["status"] == "ok"
    assert health(box)["in_use"] == "gpu"


def test_it_changes_nothing(well: Watched):
    assert differences(well.before, well.after) == []


@dataclass(frozen=True)
class Fault:
    """Something that is wrong with a machine.

    `do` makes it so and `undo` mends it, both run by root. `row` is the part that says what it is
    in these `words` and with this `fix`; `others` are ill for it. Where what is `in_use` is named,
    whisper-server is started again, in this `mode`.
    """

    name: str
    row: str
    words: tuple[str, ...]
    fix: str
    others: frozenset[str] = frozenset()
    do: str = "true"
    undo: str = "true"
    mode: str = card.ON_CARD
    in_use: str = ""


def drop_in(line: str) -> dict[str, str]:
    """A line of the user's own for whisper-server's unit."""
    directory = f"{UNITS}/{SERVER_UNIT}.d"
    reload = f"{SYSTEMCTL} daemon-reload"
    write = f"printf '[Service]\\n{line}\\n' > {directory}/own.conf"
    return {
        "do": f"mkdir -p {directory} && {write} && {reload}",
        "undo": f"rm -r {directory} && {reload}",
    }


# The proxy has noticed that whisper-server is not there.
AWAY = (
    "timeout 30 sh -c "
    "'until curl -s 127.0.0.1:2023/health | grep -q unreachable; do sleep 0.05; done'"
)
# It has died, and stays in the pause before its next try for as long as it is looked at.
PATIENT = drop_in("RestartSec=60")
DEAD = (
    f"timeout 30 sh -c 'until {SYSTEMCTL} show -P SubState {SERVER_UNIT} | "
    "grep -q ^auto-restart; do sleep 0.05; done'"
)
FELL_BACK = "cpu instead of hip (ggml_cuda_init: failed to initialize ROCm"
# What is ill too when nothing but the device is told to be.
ON_CPU = {"others": frozenset({"proxy"}), "in_use": "cpu"}
BARRED = {"others": frozenset({"device in use", "proxy"}), "in_use": "cpu"}
OF_THE_CARD = [
    Fault(
        "the user manager is older than the group",
        "access",
        (
            "ada may not open /dev/kfd",
            "the running user manager is from before that, and has no such group",
        ),
        "sudo reboot",
        do="gpasswd -d ada render && systemctl restart user@1000 && gpasswd -a ada render",
        undo="systemctl restart user@1000",
        **BARRED,
    ),
    Fault(
        "the device lets nobody in",
        "access",
        ("ada may not open /dev/kfd", "root root): its permissions let no group in"),
        "sudo udevadm trigger --action=add /dev/kfd",
        do="chown root:root /dev/kfd && chmod 600 /dev/kfd",
        undo="chown root:render /dev/kfd && chmod 660 /dev/kfd",
        **BARRED,
    ),
    Fault(
        "the unit hides the devices",
        "access",
        (f"{SERVER_UNIT} hides /dev/kfd and /dev/dri/renderD128", "(PrivateDevices=yes)"),
        f"{EDIT_UNIT}  # take out what hides devices",
        **BARRED,
        **drop_in("PrivateDevices=yes"),
    ),
    Fault(
        "the driver is not loaded",
        "access",
        ("the kernel shows no /dev/kfd: amdgpu is not loaded",),
        "sudo modprobe amdgpu",
        do="mv /dev/kfd /dev/away && mkdir -p /usr/lib/modules/$(uname -r)",
        undo="mv /dev/away /dev/kfd && rmdir -p --ignore-fail-on-non-empty "
        "/usr/lib/modules/$(uname -r)",
        **BARRED,
    ),
    Fault(
        "the backend is not in the build",
        "device in use",
        ("cpu instead of hip", "cause: the HIP backend is not in this build"),
        DEPLOY_AGAIN,
        mode=card.BUILT_FOR_CPU,
        **ON_CPU,
    ),
    Fault(
        "another GPU is used",
        "device in use",
        (f"AMD Radeon Graphics (gfx1036) instead of {LABEL}", "cause: nothing kept it to"),
        f"{DEPLOY_AGAIN}  # it pins the GPU",
        mode=card.ON_ANOTHER,
        in_use="gpu",
    ),
    Fault(
        "the GPU is masked",
        "device in use",
        (FELL_BACK, f"cause: HIP_VISIBLE_DEVICES=1 hides {LABEL}"),
        f"{EDIT_UNIT}  # take out HIP_VISIBLE_DEVICES=1",
        **ON_CPU,
        **drop_in("Environment=HIP_VISIBLE_DEVICES=1"),
    ),
    Fault(
        "the idle card draws more than before",
        "power",
        (
            "71 W, 100 % busy, whisper-server idle; 12 W before it was set up",
            "a context on the card",
        ),
        f"{DEPLOY_AGAIN} --data idle_stop=15min",
        do=card.draw(71, 100),
        undo=card.draw(14, 1),
    ),
    Fault(
        "ROCm changed under the binary",
        "device in use",
        (FELL_BACK, "cause: ROCm changed under the binary: now rocblas 10.0.0-1"),
        DEPLOY_AGAIN,
        do=f"cd {PACMAN} && mv rocblas-7.2.0-1 rocblas-10.0.0-1 && "
        "sed -i s/7.2.0-1/10.0.0-1/ rocblas-10.0.0-1/desc",
        undo=f"cd {PACMAN} && mv rocblas-10.0.0-1 rocblas-7.2.0-1 && "
        "sed -i s/10.0.0-1/7.2.0-1/ rocblas-7.2.0-1/desc",
        mode=card.FALLEN_BACK,
        in_use="cpu",
        others=frozenset({"build", "proxy"}),
    ),
    Fault(
        "the model is not in the card's memory",
        "device in use",
        (f"the CPU: the kernel accounts 3 MiB of {LABEL} to it",),
        RESTART,
        mode=card.NOT_IN_MEMORY,
        **ON_CPU,
    ),
    Fault(
        "the server dies for want of code",
        "device in use",
        (
            f"none, as {SERVER_UNIT} does not stay up",
            "cause: there is no code for gfx1101 in the build or in ROCm: ROCm error: device",
        ),
        f"sudo pacman -Syu && {DEPLOY_AGAIN} --data gpu_targets=auto",
        others=frozenset({"server unit", "proxy"}),
        do=f"{PATIENT['do']} && {card.restart(card.WITHOUT_CODE)} && {DEAD} && {AWAY}",
        undo=f"{PATIENT['undo']}; {card.restart()}",
    ),
    Fault(
        "the build is for other cards",
        "build",
        ("whisper.cpp v1.9.1 for gfx1100: no code for gfx1101",),
        f"{DEPLOY_AGAIN} --data gpu_targets=auto",
        do=f"sed -i s/TARGETS=gfx1101/TARGETS=gfx1100/ {card.MANIFEST}",
        undo=f"sed -i s/TARGETS=gfx1100/TARGETS=gfx1101/ {card.MANIFEST}",
    ),
    Fault(
        "a package of ROCm is gone",
        "ROCm",
        ("lacks rocm-hip-sdk",),
        "sudo pacman -Syu rocm-hip-sdk",
        do=f"mv {PACMAN}/rocm-hip-sdk-{card.VERSION} /root",
        undo=f"mv /root/rocm-hip-sdk-{card.VERSION} {PACMAN}",
    ),
    Fault(
        "the kernel shows no GPU",
        "GPU",
        ("the kernel shows none, instead of one for HIP",),
        "sudo dmesg | grep -E 'amdgpu|kfd'",
        do=f"mv {KFD}/topology /root",
        undo=f"mv /root/topology {KFD}",
    ),
]
STOPPED_PROXY = Fault(
    "the proxy is stopped",
    "proxy unit",
    (f"{PROXY_UNIT} is inactive",),
    f"systemctl --user restart {PROXY_UNIT}",
    do=f"{SYSTEMCTL} stop {PROXY_UNIT}",
    undo=f"{SYSTEMCTL} start {PROXY_UNIT}",
)
OF_THE_REST = [
    Fault(
        "whisper-server is stopped",
        "server unit",
        (f"{SERVER_UNIT} is inactive",),
        RESTART,
        others=frozenset({"proxy"}),
        do=f"{SYSTEMCTL} stop {SERVER_UNIT} && {AWAY}",
        undo=f"{SYSTEMCTL} start {SERVER_UNIT}",
    ),
    Fault(
        "VoiceMode is pointed elsewhere",
        "VoiceMode",
        (f"{PROFILE} says https://example.org/v1",),
        "sed -i --follow-symlinks -E '",
        do=f"cp -p {PROFILE} /root && echo 'export {KEY}=\"https://example.org/v1\"' >> {PROFILE}",
        undo=f"cat /root/.bashrc > {PROFILE}",
    ),
    Fault(
        "nothing runs without a login",
        "without a login",
        ("nothing runs",),
        "sudo loginctl enable-linger ada",
        others=frozenset({"next boot"}),
        do="loginctl disable-linger ada",
        undo="loginctl enable-linger ada",
    ),
    Fault(
        "the unit is not enabled",
        "server unit",
        ("runs, but is not enabled",),
        f"systemctl --user enable {SERVER_UNIT}",
        do=f"{SYSTEMCTL} -q disable {SERVER_UNIT}",
        undo=f"{SYSTEMCTL} -q enable {SERVER_UNIT}",
    ),
    Fault(
        "the model is damaged",
        "model",
        ("ggml-tiny.en.bin is another file than tiny.en",),
        DEPLOY_AGAIN,
        do=f"cp -p {MODEL} /root/model && "
        f"printf x | dd of={MODEL} bs=1 seek=40000000 conv=notrunc status=none",
        undo=f"cat /root/model > {MODEL} && touch -r /root/model {MODEL}",
    ),
]
# Each of these is of a part of its own, so that those of a list can be there at once.
TOGETHER = [
    [
        Fault(
            "the model is damaged, and looks as it did",
            "model",
            ("ggml-tiny.en.bin is another file than tiny.en",),
            DEPLOY_AGAIN,
            do=f"cp -p {MODEL} /root/model && dd if=/dev/urandom of={MODEL} bs=1M seek=40 count=1 "
            f"conv=notrunc status=none && touch -r /root/model {MODEL}",
            undo=f"cat /root/model > {MODEL} && touch -r /root/model {MODEL}",
        ),
        Fault(
            "ffmpeg is gone",
            "decoding",
            ("ffmpeg is not installed",),
            "sudo pacman -Syu ffmpeg",
            do="mv /usr/bin/ffmpeg /root",
            undo="mv /root/ffmpeg /usr/bin",
        ),
        Fault(
            "the disk of uploads is full",
            "uploads",
            ("none above half a megabyte can be kept: /var/tmp: No space left on device; 0 MB",),
            "df -h /var/tmp; df -i /var/tmp; ls -ld /var/tmp",
            do="mount -t tmpfs -o size=64k,mode=1777 spool /var/tmp && "
            "head -c 64k /dev/zero > /var/tmp/full",
            undo="umount /var/tmp",
        ),
        Fault(
            "a package of the proxy was changed by hand",
            "proxy code",
            ("its packages were changed: multipart 0.0.1 instead of ",),
            DEPLOY_AGAIN,
            do=f"cd {SITE} && mv multipart-*.dist-info /root && "
            "cp -r /root/multipart-*.dist-info . && "
            "sed -i 's/^Version: .*/Version: 0.0.1/' multipart-*.dist-info/METADATA",
            undo=f"cd {SITE} && rm -r multipart-*.dist-info && mv /root/multipart-*.dist-info .",
        ),
        Fault(
            "the build was made by hand",
            "build",
            ("changed since it was accepted: bin/whisper-cli",),
            f"rm -r {card.WHISPER}/builds/v1.9.1-",
            do=f"cp -p {card.WHISPER}/build/bin/whisper-cli /root && "
            f"echo >> {card.WHISPER}/build/bin/whisper-cli",
            undo=f"cat /root/whisper-cli > {card.WHISPER}/build/bin/whisper-cli",
        ),
        Fault(
            "the boot's target is masked",
            "next boot",
            (f"{SERVER_UNIT}, {PROXY_UNIT}, ", "would not start"),
            "systemctl --user revert default.target && systemctl --user daemon-reload",
            do=f"ln -s /dev/null {UNITS}/default.target",
            undo=f"{SYSTEMCTL} revert default.target",
        ),
    ],
    [
        Fault(
            "half of ffmpeg was upgraded",
            "decoding",
            ("/usr/bin/ffmpeg cannot be run: ", "libavutil.so", "cannot open shared object file"),
            "sudo pacman -Syu ffmpeg",
            do=f"mkdir /root/libav && mv {LIBAVUTIL}* /root/libav",
            undo=f"mv /root/libav/* $(dirname {LIBAVUTIL}) && rmdir /root/libav",
        ),
        Fault(
            "the disk of uploads has no inodes",
            "uploads",
            ("/var/tmp: No space left on device", "MB free in /var/tmp (tmpfs at /var/tmp)"),
            "df -h /var/tmp; df -i /var/tmp; ls -ld /var/tmp",
            do="mount -t tmpfs -o size=2m,nr_inodes=1,mode=1777 spool /var/tmp",
            undo="umount /var/tmp",
        ),
        Fault(
            "what the generation needs is gone",
            "next boot",
            ("nothing would serve: current/server.env, current/request-path.so is gone",),
            DEPLOY_AGAIN,
            do=f"cd {card.SERVICES}/current && mkdir /root/gone && "
            "mv server.env request-path.so /root/gone",
            undo=f"mv /root/gone/* {card.SERVICES}/current && rmdir /root/gone",
        ),
    ],
    [
        Fault(
            "another ffmpeg comes first",
            "decoding",
            ("/usr/local/bin/ffmpeg does not decode MP3: snap-confine is not set up",),
            "mv /usr/local/bin/ffmpeg /usr/local/bin/ffmpeg.off",
            do="printf '#!/bin/sh\\necho snap-confine is not set up >&2; exit 1\\n' > "
            "/usr/local/bin/ffmpeg && chmod 755 /usr/local/bin/ffmpeg",
            undo="rm /usr/local/bin/ffmpeg",
        ),
        Fault(
            "the disk of uploads is read-only",
            "uploads",
            ("/var/tmp: Read-only file system",),
            "df -h /var/tmp; df -i /var/tmp; ls -ld /var/tmp",
            do="mount -t tmpfs -o ro,mode=1777 spool /var/tmp",
            undo="umount /var/tmp",
        ),
        Fault(
            "a unit was changed and not read",
            "next boot",
            (f"{SERVER_UNIT} was changed since it was read",),
            f"systemctl --user daemon-reload && systemctl --user restart {SERVER_UNIT}",
            do=f"mkdir -p {UNITS}/{SERVER_UNIT}.d && "
            f"printf '[Service]\\nRestart=no\\n' > {UNITS}/{SERVER_UNIT}.d/own.conf",
            undo=f"rm -r {UNITS}/{SERVER_UNIT}.d && {SYSTEMCTL} daemon-reload",
        ),
    ],
]


@contextmanager
def broken(box: Box, fault: Fault) -> Iterator[None]:
    """A box with a fault, for as long as the context lasts."""
    start, fix = f"{card.settle()} && ({fault.do})", fault.undo
    if fault.in_use:
        start = f"({fault.do}) && {card.serve(fault.mode, fault.in_use)}"
        fix = f"({fault.undo}); {card.restart()}"
    try:
        box.run(start, user="root")
        yield
    finally:
        box.run(fix, user="root")


@pytest.mark.sampled
@pytest.mark.parametrize("fault", [*OF_THE_CARD, *OF_THE_REST], ids=lambda fault: fault.name)
def test_what_is_ill_is_named_with_what_mends_it(box: Box, fault: Fault):
    with broken(box, fault):
        assert_told(fault, examined(box, **TO_CARD))


@pytest.mark.sampled
@pytest.mark.parametrize("faults", TOGETHER, ids=lambda faults: faults[0].name)
def test_what_is_ill_at_once_is_told_one_by_one(box: Box, faults: list[Fault]):
    with ExitStack() as context:
        for fault in faults:
            context.enter_context(broken(box, fault))
        table = examined(box, **TO_CARD)
    # The proxy notices some of it by itself, sooner or later; its packages are Python's row, too.
    assert table.ill - {"proxy", "Python"} == {fault.row for fault in faults}
    for fault in faults:
        assert_row(fault, table)


def assert_told(fault: Fault, table: Table) -> None:
    """The table names this fault, with what mends it, and nothing else is ill."""
    assert table.status == 1
    assert table.ill == {fault.row, *fault.others}
    assert " checks failed: " in table.verdict
    assert_row(fault, table)


def assert_row(fault: Fault, table: Table) -> None:
    """The row of the part that is ill says how, and what mends it."""
    told = table.rows[fault.row]
    assert [words for words in fault.words if words not in told] == []
    assert f"fix: {fault.fix}" in told


def test_a_proxy_that_is_stopped_is_told_and_not_started_by_asking_it(box: Box):
    with broken(box, STOPPED_PROXY):
        table = examined(box, **TO_CARD)
        state = box.run(f"systemctl --user show -P ActiveState {PROXY_UNIT}").stdout
    assert_told(STOPPED_PROXY, table)
    assert state == "inactive\n", "its socket listens all the time"


def test_a_password_that_cannot_be_asked_for_is_no_stack_trace(box: Box):
    sudoers = "/etc/sudoers.d/10-box"
    box.run(f"cp -p {sudoers} /root && sed -i s/NOPASSWD:// {sudoers}", user="root")
    try:
        run = deploy(box, file="tasks/doctor.py", **TO_CARD)
    finally:
        box.run(f"mv /root/10-box {sudoers}", user="root")
    assert run.status == 1
    assert "Traceback" not in run.output
    assert "sudo: asks for a password, and there is no terminal to ask in" in run.output


def test_health_is_degraded_while_the_server_is_on_the_cpu(box: Box):
    box.run(card.serve(card.FALLEN_BACK, in_use="cpu"), user="root")
    told = health(box)
    box.run(card.serve(), user="root")
    assert told["status"] == "degraded"
    assert told["reason"] == (
        "whisper-server runs on the CPU, asked for was the GPU; "
        "`pyinfra inventory.py tasks/doctor.py` says why."
    )
    assert health(box)["status"] == "ok"
    assert health(box)["reason"] is None


def test_verify_does_not_pass_on_the_cpu(box: Box, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    (tmp_path / "my_deploy.py").write_text(VERIFY)
    verify = {"file": "my_deploy.py", "cwd": tmp_path, **TO_CARD}
    assert deployed(box, **verify).changes == 0
    changed = next(fault for fault in OF_THE_CARD if fault.mode == card.FALLEN_BACK)
    with broken(box, changed):
        run = deploy(box, **verify)
    assert run.status == 1
    assert "runs on cpu instead of hip" in run.output
    assert "cause: ROCm changed under the binary: now rocblas 10.0.0-1" in run.output


def test_verify_restarts_once_what_is_from_before_it_could_use_the_card(
    box: Box, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    (tmp_path / "my_deploy.py").write_text(VERIFY)
    box.run(f"{card.serve(card.FALLEN_BACK, in_use='cpu')} && echo '{card.ON_CARD}' > {card.MODE}",
            user="root")  # fmt: skip
    assert deployed(box, file="my_deploy.py", cwd=tmp_path, **TO_CARD).changes == 1
    assert health(box)["in_use"] == "gpu"


def test_the_gate_asks_the_kernel_where_the_model_lies(box: Box):
    """What the other tests need of the card is gone after this one."""
    files = (
        f"{card.WHISPER}/build",
        MODEL,
        f"{card.WHISPER}/samples/jfk.wav",
        "/tmp/smoke-test.log",
    )
    box.run(shlex.join(words("smoke-test", *files, KFD, card.DEVICE, "whisper-server")))
    (server,) = parse_smoke_tests(box.run("cat /tmp/smoke-test.log").stdout.splitlines())
    assert is_spoken(server.transcript)
    assert server.memory == card.MODEL_BYTES
    assert server.watts == card.IDLE_WATTS + 2
    assert usage(server.log).gfx == "gfx1101"
