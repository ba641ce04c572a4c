"""The last word on a deploy: speech, on the backend asked for, or the way back."""

from typing import Any
from unittest.mock import patch

import pytest
from pyinfra.connectors.util import CommandOutput, OutputLine
from pyinfra.context import ctx_host, ctx_state
from pyinfra_testing.util import FakeState, create_host, get_command_string

from core.build import ROCM_PACKAGES, Order
from core.gpu import Gpu
from core.layout import Layout
from core.models import Model
from core.reach import Reach
from core.release import Release
from core.setups import Setup, Setups
from facts.speech import Heard
from facts.user_unit import UnitState
from operations import setups

SPOKEN = "And so my fellow Americans ask not what your country can do for you"
CPU = ["whisper_backend_init_gpu: no GPU found", "whisper_model_load: CPU total size = 77 MB"]
HIP = [
    "  Device 0: AMD Radeon RX 7800 XT, gfx1101 (0x1101), VMM: no, Wave Size: 32",
    "whisper_backend_init_gpu: using ROCm0 backend",
    "whisper_model_load: ROCm0 total size = 487 MB",
]
LAYOUT = Layout("/h")
RELEASE = Release("v1.9.1", "a" * 40)
CARD = Gpu(0, "gfx1101", 16 << 30)
SIZE = 487 << 20
VERIFY = {"model": Model("ggml-tiny.en.bin", "", "ab" * 32, SIZE), "kfd": "/k"}
ON_CPU = {"order": Order(RELEASE, "cpu"), **VERIFY}
ON_CARD = {"order": Order(RELEASE, "hip", ("gfx1101",), CARD), **VERIFY}
SERVER = "voicemode-whisper.service"


def setup(number: int, name: str = "") -> Setup:
    fingerprint = f"{number:012x}"
    return Setup(
        name=name or f"confirmed-{fingerprint}",
        server=fingerprint,
        whole=fingerprint,
        build=f"build-v1.{number}-{fingerprint}",
        proxy=f"whisper-proxy-{fingerprint}",
        venv=f"whisper-proxy-venv-{fingerprint}",
        model="ggml-tiny.en.bin",
        # Each its own port, so that it can be asked by its own answer.
        listen=f"127.0.0.1:{2023 + number}",
        port="2022",
    )


def installed(now: int, *confirmed: int, latest: int = 0) -> Setups:
    kept = tuple(setup(number) for number in confirmed)
    versions = tuple(part for one in (*kept, setup(now)) for part in one.parts)
    name = setup(latest or confirmed[0]).name if confirmed else ""
    return Setups(setup(now, "now"), kept, name, versions)


class Host:
    """A host whose services answer as they are told, and the commands that it was given."""

    def __init__(
        self,
        found: Setups,
        answers: dict[int, str] | None = None,
        log: list[str] = CPU,
        dead: str = "",
        memory: int | None = SIZE,
        reach: Reach | None = None,
        later: list[str] | None = None,
    ) -> None:
        self.ran: list[str] = []
        self.dead = dead
        self.later = later or log
        asked = "api_key_file=, sample=/h/.voicemode/services/whisper.cpp/samples/jfk.wav, url="
        self.state = FakeState()
        self.state.is_executing = True
        facts = {
            "setups.Installed": {f"layout={LAYOUT}": found},
            "speech.Transcript": {
                f"{asked}http://127.0.0.1:{2023 + number}": Heard(answer)
                for number, answer in (answers or {}).items()
            },
            "user_unit.Unit": {f"unit={SERVER}": UnitState(invocation="6f4", pid=7)},
            "user_unit.StartLog": {"invocation=6f4": log},
            "kfd.Memory": {"kfd=/k, pid=7": memory},
            "machine.UserName": "ada",
            "reach.FromUnit": {f"pid=7, unit={SERVER}, user=ada": reach or Reach()},
            "build.Manifest": {f"path={LAYOUT.build}": {"toolchain": ["rocblas 7.1-1"]}},
            "toolchain.Toolchain": {f"packages={ROCM_PACKAGES}": ["rocblas 7.1-1"]},
        }
        self.host = create_host(self.state, facts=facts)
        self.host.run_shell_command = self.run
        self.host.log = print

    def run(self, command: Any, print_output: bool) -> tuple[bool, CommandOutput]:
        """Answer a command that is run on the way; `dead` services do not come up."""
        self.ran.append(get_command_string(command))
        up = not (self.dead and self.dead in self.ran[-1])
        said = [] if up else [OutputLine("stderr", "w.service does not answer")]
        return up, CommandOutput(said)

    def apply(self, operation: Any, **arguments: Any) -> list[str]:
        """The commands that an operation yields."""
        scripts = patch("operations.scripts._text", "{}.sh".format)
        with scripts, ctx_state.use(self.state), ctx_host.use(self.host):
            return [self.done(c) for c in operation._inner(layout=LAYOUT, **arguments)]

    def done(self, command: Any) -> str:
        """A command, which has been run before the operation goes on: a restart has a new log."""
        text = get_command_string(command)
        if text.endswith(f"restart {SERVER}"):
            self.host.fact.facts["user_unit.StartLog"].data["invocation=6f4"] = self.later
        return str(text)

    def restored(self) -> list[str]:
        """The setups that were put back on the way."""
        return [command.split()[-1] for command in self.ran if "restore.sh" in command]


@pytest.mark.parametrize(("asked", "log"), [(ON_CPU, CPU), (ON_CARD, HIP)])
def test_what_was_confirmed_and_still_transcribes_is_left_alone(asked: Any, log: list[str]):
    host = Host(installed(1, 1), {1: SPOKEN}, log)
    assert host.apply(setups.confirm, **asked) == []
    assert host.restored() == []


def test_what_is_new_and_transcribes_is_kept():
    (command,) = Host(installed(2, 1), {2: SPOKEN}).apply(setups.confirm, **ON_CPU)
    assert command.startswith("sh -c remember.sh remember /h/.voicemode/services ")
    assert command.endswith(f" confirmed-{setup(2).server}")


@pytest.mark.parametrize("answer", ["", "curl: (7) Failed to connect", '{"error": {"code": 503}}'])
def test_anything_but_the_words_goes_back_and_fails(answer: str):
    host = Host(installed(2, 1), {2: answer, 1: SPOKEN})
    (command,) = host.apply(setups.confirm, **ON_CPU)
    assert host.restored() == [setup(1).name]
    assert "verify: http://127.0.0.1:2025 does not transcribe" in command
    assert answer[:20] in command
    assert "whisper.cpp v1.1 with tiny.en is back and transcribes" in command
    assert command.endswith(">&2; exit 1")


def test_services_that_do_not_come_up_go_back_too():
    host = Host(installed(2, 1), {1: SPOKEN}, dead="127.0.0.1:2025")
    (command,) = host.apply(setups.confirm, **ON_CPU)
    assert host.restored() == [setup(1).name]
    assert "verify: w.service does not answer; whisper.cpp v1.1 with tiny.en is back" in command


@pytest.mark.parametrize(
    ("log", "found"),
    [
        (CPU, "runs on cpu, asked for was hip (whisper_backend_init_gpu: no GPU found)"),
        ([HIP[0].replace("1101", "1036"), *HIP[1:]], "runs on AMD Radeon RX 7800 XT (gfx1036)"),
    ],
)
def test_a_silent_fall_to_the_cpu_fails(log: list[str], found: str):
    host = Host(installed(2, 1), {2: SPOKEN, 1: SPOKEN}, log)
    (command,) = host.apply(setups.confirm, **ON_CARD)
    assert f"{SERVER} {found}" in command
    assert host.restored() == [setup(1).name]


def test_where_journald_has_forgotten_the_log_the_kernel_decides():
    asked = Host(installed(1, 1), {1: SPOKEN}, [])
    assert asked.apply(setups.confirm, **ON_CARD) == []
    unknown = Host(installed(2, 1), {2: SPOKEN, 1: SPOKEN}, ["a request"], memory=None)
    (command,) = unknown.apply(setups.confirm, **ON_CARD)
    assert f"{SERVER} runs on nobody knows what, asked for was hip" in command
    assert Host(installed(1, 1), {1: SPOKEN}, []).apply(setups.confirm, **ON_CPU) == []


def test_a_server_from_before_it_could_use_the_gpu_is_restarted_once():
    host = Host(installed(1, 1), {1: SPOKEN}, CPU, later=HIP)
    (restart,) = host.apply(setups.confirm, **ON_CARD)
    assert restart.endswith(f"restart {SERVER}")
    restart, refused = Host(installed(1, 1), {1: SPOKEN}, CPU).apply(setups.confirm, **ON_CARD)
    assert restart.endswith(f"restart {SERVER}")
    assert "nothing was changed since it last transcribed" in refused


def test_what_the_kernel_accounts_outweighs_the_log():
    host = Host(installed(2, 1), {2: SPOKEN, 1: SPOKEN}, HIP, memory=3 << 20)
    (command,) = host.apply(setups.confirm, **ON_CARD)
    assert f"{SERVER} runs on the CPU, as the kernel tells: 3 MiB of AMD GPU" in command


def test_a_kernel_that_does_not_account_is_not_asked():
    host = Host(installed(1, 1), {1: SPOKEN}, HIP, memory=None)
    assert host.apply(setups.confirm, **ON_CARD) == []


def test_the_cause_and_what_mends_it_are_told():
    hidden = Reach(hidden=("/dev/kfd",), settings=("PrivateDevices=yes",))
    log = ["ggml_cuda_init: failed to initialize ROCm: no ROCm-capable device is detected", *CPU]
    host = Host(installed(2, 1), {2: SPOKEN, 1: SPOKEN}, log, reach=hidden)
    (command,) = host.apply(setups.confirm, **ON_CARD)
    assert f"; the cause: {SERVER} hides /dev/kfd from its process (PrivateDevices=yes)" in command
    assert f"to mend it: systemctl --user edit {SERVER}" in command


def test_what_is_back_and_does_not_work_either_is_said():
    host = Host(installed(2, 1), {2: "", 1: "502"})
    (command,) = host.apply(setups.confirm, **ON_CPU)
    assert "is back but: http://127.0.0.1:2024 does not transcribe" in command


@pytest.mark.parametrize(
    ("found", "why"),
    [
        (installed(1, 1), "nothing was changed since it last transcribed"),
        (installed(1), "nothing has transcribed here before"),
    ],
)
def test_where_there_is_no_way_back_it_says_so(found: Setups, why: str):
    host = Host(found, {1: ""})
    (command,) = host.apply(setups.confirm, **ON_CPU)
    assert why in command
    assert host.restored() == []


def test_before_the_run_there_is_nothing_to_ask():
    host = Host(installed(1))
    host.state.is_executing = False
    assert host.apply(setups.confirm, **ON_CPU) == []


def test_a_machine_set_up_by_hand_is_remembered_before_it_is_changed():
    (command,) = Host(installed(1), {1: SPOKEN}).apply(setups.remember)
    assert "remember.sh" in command


@pytest.mark.parametrize(
    ("found", "answer"), [(installed(1), ""), (installed(2, 1), SPOKEN), (Setups(), "")]
)
def test_what_does_not_transcribe_or_is_known_is_not_remembered(found: Setups, answer: str):
    assert Host(found, {1: answer, 2: answer}).apply(setups.remember) == []


def test_going_back_by_hand_is_a_change_that_was_tried():
    host = Host(installed(2, 2, 1), {1: SPOKEN})
    (command,) = host.apply(setups.go_back)
    assert command.endswith(f"restore.sh restore {LAYOUT.services} {LAYOUT.units} {setup(1).name}")
    assert any("await.sh" in command for command in host.ran)


def test_going_back_to_what_does_not_work_comes_back():
    host = Host(installed(2, 2, 1), {1: "502", 2: SPOKEN})
    _, refusal = host.apply(setups.go_back)
    assert host.restored() == [setup(2).name]
    assert "rollback: whisper.cpp v1.1 with tiny.en: http://127.0.0.1:2024 does not" in refusal
    assert "whisper.cpp v1.2 with tiny.en is back and transcribes" in refusal


def test_with_nothing_before_going_back_is_refused():
    (command,) = Host(installed(1, 1)).apply(setups.go_back)
    assert "rollback: nothing that served before the present setup is kept" in command


def test_what_nothing_needs_is_removed_and_nothing_else():
    (command,) = Host(installed(5, 5, 4, 3, 2)).apply(setups.tidy)
    assert command.startswith("rm -rf ")
    assert {path.removeprefix(f"{LAYOUT.services}/") for path in command.split()[2:]} == (
        setup(2).parts
    )
    assert Host(installed(3, 3, 2, 1)).apply(setups.tidy) == []


def test_uninstalling_removes_every_version():
    (command,) = Host(installed(2, 2, 1)).apply(setups.absent)
    assert {*command.split()[5:]} == setup(1).parts | setup(2).parts
    assert Host(Setups()).apply(setups.absent) == []
