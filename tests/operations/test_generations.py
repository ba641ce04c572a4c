"""The last word on a deploy: speech, on the backend asked for, or the generation before."""

import json
import shlex
from collections.abc import Sequence
from dataclasses import replace
from typing import Any
from unittest.mock import patch

import pytest
from pyinfra.connectors.util import CommandOutput, OutputLine
from pyinfra_testing.util import get_command_string

from tests.fake_hosts import FakeHost
from tests.generations import (
    CARD,
    PYTHON,
    TOOLS,
    candidate,
    fingerprint,
    generation,
    generations,
    rejected,
    settings,
    spec,
)
from tests.whisper_logs import CPU, FELL_BACK, HIP, SPOKEN
from voicemode_whisper.core.build import ROCM_PACKAGES
from voicemode_whisper.core.choice import Choice
from voicemode_whisper.core.device_access import DeviceAccess
from voicemode_whisper.core.generations import EarlierSetup, Generation, Generations, GenerationSpec
from voicemode_whisper.core.layout import (
    PROXY_SOCKET,
    PROXY_UNIT,
    SERVER_UNIT,
    WYOMING_UNIT,
    Layout,
)
from voicemode_whisper.core.listeners import Listener
from voicemode_whisper.core.services import ServiceState, UnitState
from voicemode_whisper.core.venv import SYSTEM_PYTHON, Venv
from voicemode_whisper.facts.speech import Transcription
from voicemode_whisper.operations import generations as operations
from voicemode_whisper.operations.util.choice import unless_rejected

LAYOUT = Layout("/h")
SIZE = 487 << 20
CARD_MODEL = {"backend": "hip", "gpu": CARD.to_json(), "model": {"size": SIZE}}
WANTED = spec().resolve(TOOLS, PYTHON)
MADE = {"fingerprint": WANTED.fingerprint, "label": spec().label}
BUILD = f"{LAYOUT.builds}/{WANTED.recipe.name}"
VENV = Venv(True, "/usr/bin/python3.13", "3.13", packages=("3.13",), system="/usr/bin/python3.13")
# That of a generation from before pacman brought the next Python.
OUTDATED = replace(VENV, packages=("3.12",))
VENV_PATH = f"{LAYOUT.venv}-{WANTED.venv}"
LOCK = f"{LAYOUT.generations}/1/proxy/requirements.lock"
UP = UnitState("active", "enabled", invocation="6f4", pid=7)


def services(one: Generation) -> ServiceState:
    """The services of a host that runs this generation."""
    return ServiceState(
        programs={SERVER_UNIT: "/server", PROXY_UNIT: "/python"},
        units={
            SERVER_UNIT: replace(UP, program="/server", revision=one.server_revision),
            PROXY_UNIT: replace(UP, program="/python", revision=one.proxy_revision),
            PROXY_SOCKET: UnitState("active", "enabled", listen=one.listen),
        },
    )


class Host(FakeHost):
    """A host whose services answer as they are told, and the commands that it was given."""

    def __init__(
        self,
        found: Generations,
        answers: dict[int, str] | None = None,
        log: Sequence[str] = CPU,
        dead: str = "",
        memory: int | None = SIZE,
        access: DeviceAccess | None = None,
        later: Sequence[str] | None = None,
        last: str = "w.service does not answer",
        earlier: EarlierSetup | None = None,
        build: dict[str, Any] | None = None,
        vad: bool = False,
        listeners: tuple[Listener, ...] = (),
        venv: Venv = VENV,
        lock: bool = True,
        wyoming: str = "",
    ) -> None:
        self.ran: list[str] = []
        self.dead, self.last = dead, last
        self.later = later or log
        sample = "/h/.voicemode/services/whisper.cpp/samples/jfk.wav"
        asked = f"api_key_file=, device=, sample={sample}, url="
        serving = found.serving or generation(99)
        numbers = [*(one.number for one in found.all), found.next_number]
        facts = {
            "generations.Generations": {f"layout={LAYOUT}": found},
            "generations.Earlier": {f"layout={LAYOUT}": earlier},
            "speech.Transcript": {
                f"{asked}http://127.0.0.1:{2023 + number}": Transcription(answer)
                for number, answer in (answers or {}).items()
            },
            "speech.WyomingTranscript": {
                f"address=127.0.0.1, port=10300, sample={sample}, venv={LAYOUT.current}/wyoming": (
                    wyoming
                )
            },
            "user_unit.Services": {
                f"layout={LAYOUT}, number={number}": services(serving) for number in numbers
            },
            "user_unit.Unit": {f"unit={SERVER_UNIT}": UP},
            "user_unit.StartLog": {"invocation=6f4": list(log)},
            "kfd.Memory": {"account=/k, pid=7": memory},
            "machine.UserName": "ada",
            "machine.Identity": {"uid": 1000},
            "ports.Listeners": {
                f"ports={(one.port, 2023 + one.number)}": listeners for one in found.all
            },
            "device_access.UnitDeviceAccess": {
                f"pid=7, unit={SERVER_UNIT}, user=ada": access or DeviceAccess()
            },
            "build.Manifest": {
                f"path={LAYOUT.build}": {"backend": "hip", "toolchain": ["rocblas 7.1-1"]},
                f"path={BUILD}": build,
            },
            "files.Exists": {f"path={BUILD}/vad.bin": vad},
            "toolchain.Toolchain": {f"driver=, packages={ROCM_PACKAGES}": TOOLS},
            "toolchain.Python": PYTHON,
            "venv.Venv": {
                **{f"path={LAYOUT.generations}/{number}/venv": venv for number in numbers},
                f"path={VENV_PATH}": None,
            },
            "files.Sha256Sums": {f"paths=['{LOCK}']": {LOCK: spec().lock_sha256} if lock else {}},
        }
        super().__init__(facts)
        self.host.run_shell_command = self.run

    def run(self, command: Any, print_output: bool, **_: Any) -> tuple[bool, CommandOutput]:
        """Answer a command that is run on the way; `dead` services do not come up."""
        self.ran.append(get_command_string(command))
        up = not (self.dead and self.dead in self.ran[-1])
        said = [] if up else [OutputLine("stderr", self.last)]
        return up, CommandOutput(said)

    def apply(self, operation: Any, **arguments: Any) -> list[list[str]]:
        """The words of each command that an operation yields, from the script's name on."""
        with self.worked_on():
            return [self.done(c) for c in operation._inner(layout=LAYOUT, **arguments)]

    def done(self, command: Any) -> list[str]:
        """A command, which has been run before the operation goes on: a restart has a new log."""
        text = get_command_string(command)
        if text.endswith(f"restart {SERVER_UNIT}"):
            self.host.fact.facts["user_unit.StartLog"].data["invocation=6f4"] = self.later
            return ["restart"]
        words = shlex.split(text)
        return words[3:] if words[:2] == ["sh", "-c"] else words


def activated(*numbers_and_restarts: object) -> list[str]:
    words = ("activate-generation", LAYOUT.services, LAYOUT.units, *numbers_and_restarts)
    return [str(word) for word in words]


def recorded(command: list[str]) -> Generation:
    """What a command writes into the manifest of a generation, or as a new one."""
    if command[0] == "write-generation":
        return Generation.of(json.loads(command[-1]))
    name, path, text = command
    found = Generation.of(json.loads(text))
    assert (name, path) == ("write", f"{LAYOUT.generations}/{found.number}/manifest.json")
    return found


def failure(command: list[str]) -> str:
    assert command[0] == "echo"
    assert command[-2:] == ["exit", "1"]
    return command[1]


def check_mended(make: list[str], link: list[str], noted: list[str]) -> None:
    """The commands that give generation 1 a virtual environment of the Python that is there."""
    assert " ".join(["make-venv", SYSTEM_PYTHON, VENV_PATH, LOCK]) in " ".join(make)
    home = f"{LAYOUT.generations}/1"
    made = f"../../whisper-proxy-venv-{WANTED.venv}"
    assert link[:4] == ["ln", "-sfn", made, f"{home}/venv.new"]
    assert link[-2:] == [f"{home}/venv.new", f"{home}/venv"]
    assert f"whisper-proxy-venv-{WANTED.venv}" in recorded(noted).parts


def confirm(host: Host) -> list[list[str]]:
    return host.apply(operations.confirm, kfd="/k")


class TestSwitch:
    def apply(self, host: Host, wanted: GenerationSpec | None = None) -> list[list[str]]:
        return host.apply(operations.switch, choice=Choice((wanted or spec(),)))

    def test_what_serves_is_left_alone(self):
        host = Host(generations(2, generation(1), generation(2, **MADE)))
        assert self.apply(host) == []
        assert host.host.noop_description == "generation 2 serves"

    def test_what_is_new_is_written_before_it_is_switched_to(self):
        host = Host(generations(1, generation(1)))
        write, activate = self.apply(host)
        assert write[:7] == [
            "write-generation", LAYOUT.services, "2",
            f"whisper.cpp/builds/{WANTED.recipe.name}", f"whisper-proxy-{spec().proxy}",
            f"whisper-proxy-venv-{WANTED.venv}", "whisper.cpp/models/ggml-small.en.bin",
        ]  # fmt: skip
        made = recorded(write)
        assert (made.number, made.status, made.fingerprint) == (2, "candidate", WANTED.fingerprint)
        assert (made.backend, made.gpu, made.model_size) == ("hip", CARD, spec().model.size)
        assert f"SERVICE_REVISION={made.server_revision}" in write[write.index("server.env") + 1]
        assert f"SERVICE_REVISION={made.proxy_revision}" in write[write.index("proxy.env") + 1]
        assert activate == activated(2, "server", "socket", "proxy")

    def test_it_serves_with_what_was_faster_and_keeps_what_acceptance_saw(self):
        speeds = [{"flag": "-fa", "load": 200, "encode": 93, "total": 480}]
        entry = {"speeds": speeds}
        host = Host(Generations(), build={"acceptance": {spec().model.sha256: entry}})
        write, _ = self.apply(host)
        assert "FLASH_ATTENTION=-fa\n" in write[write.index("server.env") + 1]
        assert recorded(write).manifest["acceptance"] == entry

    @pytest.mark.parametrize(
        ("found", "watts"),
        [
            (Generations(), 12.5),
            (generations(1, generation(1)), None),  # adopted: it has served before
            (generations(1, generation(1, gpu=CARD.to_json(), idle_watts=9)), 9),
            (generations(None, rejected(1)), 12.5),
        ],
    )
    def test_the_watts_from_before_anything_served_are_kept(
        self, found: Generations, watts: float | None
    ):
        write, _ = Host(found).apply(
            operations.switch, choice=Choice((spec(),)), unserved_watts=12.5
        )
        assert recorded(write).idle_watts == watts

    def test_it_serves_with_the_vad_model_that_the_build_has(self):
        for vad, option in ((True, 'VAD="--vad-model build/vad.bin"\n'), (False, "VAD=\n")):
            write, _ = self.apply(Host(Generations(), vad=vad))
            assert option in write[write.index("server.env") + 1]

    def test_a_candidate_that_was_cut_off_is_taken_up(self):
        host = Host(generations(1, generation(1), candidate(2, **MADE)))
        assert self.apply(host) == [activated(2, "server", "socket", "proxy")]

    def test_a_generation_that_serves_already_is_restarted_only_where_it_does_not_run(self):
        host = Host(generations(1, generation(1, **MADE)))
        stale = services(replace(generation(1), server_revision="from before the power cut"))
        host.host.fact.facts["user_unit.Services"].data[f"layout={LAYOUT}, number=1"] = stale
        assert self.apply(host) == [activated(1, "server")]

    def test_what_was_rejected_is_said_in_one_line_and_changes_nothing(self):
        host = Host(generations(1, generation(1), rejected(2, **MADE)))
        assert self.apply(host) == []
        assert host.said == [
            "generation 2 (whisper.cpp v1.9.1 with small.en) was rejected on 2026-11-22: it was "
            "silent; generation 1 (whisper.cpp v1.1 with small.en) goes on serving; --data "
            "retry=yes tries it again"
        ]

    def test_it_is_said_in_the_run_and_not_before(self):
        host = Host(generations(1, generation(1), rejected(2, **MADE)))
        host.state.is_executing = False
        assert self.apply(host) == []
        assert host.said == []

    def test_what_was_rejected_is_tried_again_when_asked_for(self):
        host = Host(generations(1, generation(1), rejected(2, **MADE)))
        write, activate = self.apply(host, spec(settings=settings(retry="yes")))
        assert recorded(write).number == 3
        assert recorded(write).fingerprint == WANTED.fingerprint
        assert activate[3] == "3"

    def test_what_differs_is_tried_though_another_was_rejected(self):
        host = Host(generations(1, generation(1), rejected(2, fingerprint=fingerprint(9))))
        assert recorded(self.apply(host)[0]).number == 3
        assert host.said == []

    def test_a_rollback_that_was_cut_off_is_finished(self):
        host = Host(generations(2, generation(1), rejected(2, **MADE)))
        assert self.apply(host) == [activated(1, "server", "socket", "proxy")]
        assert "goes on serving" not in host.said[0]

    def test_the_last_one_that_works_serves_where_none_was_before(self):
        host = Host(generations(1, rejected(1, **MADE), generation(2)))
        assert self.apply(host) == [activated(2, "server", "socket", "proxy")]

    @pytest.mark.parametrize(
        ("found", "retry", "wanted"),
        [
            (generations(1, generation(1), rejected(2, **MADE)), "no", False),
            (generations(1, generation(1), rejected(2, **MADE)), "yes", True),
            (generations(1, generation(1)), "no", True),
            (generations(None, rejected(1, **MADE)), "no", True),
        ],
    )
    def test_nothing_is_built_for_what_was_rejected(
        self, found: Generations, retry: str, wanted: bool
    ):
        host = Host(found)
        with host.worked_on():
            choice = Choice((spec(settings=settings(retry=retry)),))
            assert unless_rejected(LAYOUT, choice)() is wanted

    def test_a_host_that_cannot_be_asked_is_left_to_the_operation(self):
        host = Host(generations(1))
        lost = patch(
            "voicemode_whisper.operations.util.generations.read_generations", side_effect=OSError
        )
        with lost, host.worked_on():
            assert unless_rejected(LAYOUT, Choice((spec(),)))() is True


class TestConfirm:
    @pytest.mark.parametrize(("known", "log"), [({"backend": "cpu"}, CPU), (CARD_MODEL, HIP)])
    def test_what_was_confirmed_and_still_transcribes_is_left_alone(
        self, known: dict[str, Any], log: Sequence[str]
    ):
        assert confirm(Host(generations(1, generation(1, **known)), {1: SPOKEN}, log)) == []

    def test_what_is_new_and_transcribes_is_confirmed(self):
        (command,) = confirm(Host(generations(2, generation(1), candidate(2)), {2: SPOKEN}))
        assert (recorded(command).number, recorded(command).status) == (2, "confirmed")
        assert recorded(command).when.startswith("20")

    @pytest.mark.parametrize(
        "answer", ["", "curl: (7) Failed to connect", '{"error": {"code": 503}}']
    )
    def test_anything_but_the_words_is_rejected_and_rolled_back(self, answer: str):
        host = Host(generations(2, generation(1), candidate(2)), {2: answer, 1: SPOKEN})
        reject, activate, refused = confirm(host)
        # First: a rollback that is cut off is finished by the next run.
        assert (recorded(reject).number, recorded(reject).status) == (2, "rejected")
        assert "does not transcribe" in recorded(reject).reason
        assert activate == activated(1, "server", "socket", "proxy")
        assert "verify: http://127.0.0.1:2025 does not transcribe" in failure(refused)
        assert answer[:20] in failure(refused)
        assert failure(refused).endswith(
            "; rolled back to generation 1 (whisper.cpp v1.1 with small.en), which transcribes"
        )

    def test_what_is_rolled_back_to_gets_the_python_that_is_there(self):
        host = Host(
            generations(2, generation(1), candidate(2)), {2: "502", 1: SPOKEN}, venv=OUTDATED
        )
        _, make, link, noted, activate, refused = confirm(host)
        check_mended(make, link, noted)
        assert activate == activated(1, "server", "socket", "proxy")
        assert "rolled back to generation 1" in failure(refused)

    def test_services_that_do_not_come_up_are_rolled_back_too(self):
        host = Host(generations(2, generation(1), candidate(2)), {1: SPOKEN}, dead="2025")
        reject, activate, refused = confirm(host)
        assert recorded(reject).reason == "w.service does not answer"
        assert activate[3] == "1"
        assert (
            "verify: w.service does not answer; rolled back to generation 1 (whisper.cpp v1.1 "
            in failure(refused)
        )

    @pytest.mark.parametrize(
        ("listeners", "by"),
        [
            ((), "another program"),
            (
                (Listener("*", 2025, 9, "nginx", 33, "http", "nginx.service"),),
                "nginx in nginx.service (system, http)",
            ),
        ],
    )
    def test_a_port_that_somebody_else_took_is_no_fault_of_the_generation(
        self, listeners: tuple[Listener, ...], by: str
    ):
        host = Host(
            generations(2, generation(1), candidate(2)), {1: SPOKEN}, dead="2025",
            last="w.service does not answer: port 2025 is taken by another program",
            listeners=listeners,
        )  # fmt: skip
        activate, refused = confirm(host)
        assert activate[3] == "1"
        assert f"is taken by {by}; rolled back" in failure(refused)

    @pytest.mark.parametrize(
        ("log", "found"),
        [
            (CPU, "runs on cpu instead of hip (whisper_backend_init_gpu: no GPU found)"),
            (
                [HIP[0].replace("1101", "1036"), *HIP[1:]],
                "runs on AMD Radeon RX 7800 XT (gfx1036)",
            ),
        ],
    )
    def test_a_silent_fall_to_the_cpu_fails(self, log: Sequence[str], found: str):
        host = Host(
            generations(2, generation(1), candidate(2, **CARD_MODEL)), {2: SPOKEN, 1: SPOKEN}, log
        )
        *_, activate, refused = confirm(host)
        assert f"{SERVER_UNIT} {found}" in failure(refused)
        assert activate[3] == "1"

    def test_where_journald_has_forgotten_the_log_the_kernel_decides(self):
        found = generations(1, generation(1, **CARD_MODEL))
        assert confirm(Host(found, {1: SPOKEN}, [])) == []
        new = generations(2, generation(1), candidate(2, **CARD_MODEL))
        unknown = Host(new, {2: SPOKEN, 1: SPOKEN}, ["a request"], memory=None)
        *_, refused = confirm(unknown)
        assert f"{SERVER_UNIT} runs on an unknown device instead of hip" in failure(refused)
        on_cpu = generations(1, generation(1, backend="cpu"))
        assert confirm(Host(on_cpu, {1: SPOKEN}, [])) == []

    def test_a_server_from_before_it_could_use_the_gpu_is_restarted_once(self):
        found = generations(1, generation(1, **CARD_MODEL))
        assert confirm(Host(found, {1: SPOKEN}, CPU, later=HIP)) == [["restart"]]
        restart, refused = confirm(Host(found, {1: SPOKEN}, CPU))
        assert restart == ["restart"]
        assert failure(refused).endswith(
            "nothing has changed since it last transcribed, so nothing was rolled back"
        )

    def test_home_assistant_is_answered_too_before_it_is_confirmed(self):
        new = generations(2, generation(1), candidate(2, wyoming="0.0.0.0:10300"))
        (noted,) = confirm(Host(new, {2: SPOKEN, 1: SPOKEN}, wyoming=SPOKEN))
        assert recorded(noted).status == "confirmed"
        *_, refused = confirm(Host(new, {2: SPOKEN, 1: SPOKEN}, wyoming="[Errno 111] refused"))
        said = f"{WYOMING_UNIT} does not transcribe at 127.0.0.1:10300; its answer: [Errno 111]"
        assert said in failure(refused)

    def test_what_home_assistant_asks_is_restarted_once_as_the_key_may_be_another(self):
        found = generations(1, generation(1, wyoming="127.0.0.1:10300"))
        restart, refused = confirm(Host(found, {1: SPOKEN}, wyoming="Error code: 401"))
        assert restart[-2:] == ["restart", WYOMING_UNIT]
        assert "so nothing was rolled back" in failure(refused)

    def test_what_the_kernel_accounts_outweighs_the_log(self):
        new = generations(2, generation(1), candidate(2, **CARD_MODEL))
        *_, refused = confirm(Host(new, {2: SPOKEN, 1: SPOKEN}, HIP, memory=3 << 20))
        assert f"{SERVER_UNIT} runs on the CPU: the kernel accounts 3 MiB of AMD GPU" in failure(
            refused
        )

    def test_a_kernel_that_does_not_account_is_not_asked(self):
        found = generations(1, generation(1, **CARD_MODEL))
        assert confirm(Host(found, {1: SPOKEN}, HIP, memory=None)) == []

    def test_the_cause_and_what_fixes_it_are_told(self):
        hidden = DeviceAccess(hidden_devices=("/dev/kfd",), sandboxing=("PrivateDevices=yes",))
        new = generations(2, generation(1), candidate(2, **CARD_MODEL))
        host = Host(new, {2: SPOKEN, 1: SPOKEN}, FELL_BACK, access=hidden)
        _, refused = confirm(host)
        cause = f"; cause: {SERVER_UNIT} hides /dev/kfd from its process (PrivateDevices=yes)"
        assert cause in failure(refused)
        assert f"fix: systemctl --user edit {SERVER_UNIT}" in failure(refused)

    def test_a_fault_of_the_machine_is_not_remembered_against_the_generation(self):
        new = generations(2, generation(1), candidate(2, **CARD_MODEL))
        access = DeviceAccess(missing_devices=("/dev/kfd",), driver_loaded=False)
        host = Host(new, {2: SPOKEN, 1: SPOKEN}, FELL_BACK, access=access)
        activate, refused = confirm(host)
        assert activate[3] == "1"
        assert "rolled back to generation 1 (whisper.cpp v1.1 " in failure(refused)

    def test_what_was_adopted_is_not_asked_for_its_device(self):
        found = generations(1, candidate(1, adopted="2026-11-22"))
        (command,) = confirm(Host(found, {1: SPOKEN}, ["nothing that is known"], memory=0))
        assert recorded(command).status == "confirmed"

    def test_what_serves_again_and_does_not_work_either_is_said(self):
        host = Host(generations(2, generation(1), candidate(2)), {2: "", 1: "502"})
        *_, refused = confirm(host)
        assert (
            "rolled back to generation 1 (whisper.cpp v1.1 with small.en), but: http://127.0.0.1:2024"
            in (failure(refused))
        )

    @pytest.mark.parametrize(
        ("found", "why"),
        [
            (generations(1, generation(1)), "nothing has changed since it last transcribed"),
            (generations(1, candidate(1)), "nothing has transcribed here before"),
            (Generations(), "nothing is set up here; run deploy.py"),
        ],
    )
    def test_where_there_is_nothing_to_roll_back_to_it_says_so(self, found: Generations, why: str):
        (refused,) = confirm(Host(found, {1: ""}))
        assert why in failure(refused)

    def test_before_the_run_there_is_nothing_to_ask(self):
        host = Host(generations(1, candidate(1)))
        host.state.is_executing = False
        assert confirm(host) == []


class TestAdopt:
    EARLIER = EarlierSetup(
        build="whisper.cpp/build.by-hand", proxy="whisper-proxy.by-hand", listen="127.0.0.1:2024"
    )

    @pytest.mark.parametrize(
        ("answer", "status"), [(SPOKEN, "confirmed"), ("", "candidate"), ("404", "candidate")]
    )
    def test_it_can_be_gone_back_to_if_it_transcribes(self, answer: str, status: str):
        host = Host(Generations(), {1: answer}, earlier=self.EARLIER)
        (command,) = host.apply(operations.adopt)
        parts = [self.EARLIER.build, self.EARLIER.proxy, "", ""]
        assert command[:-1] == ["adopt-setup", LAYOUT.services, LAYOUT.units, *parts]
        made = Generation.of(json.loads(command[-1]))
        assert (made.number, made.status, made.adopted) == (1, status, True)

    def test_it_is_asked_where_the_guide_has_it_when_it_does_not_listen(self):
        host = Host(Generations(), {0: SPOKEN}, earlier=EarlierSetup())
        assert len(host.apply(operations.adopt)) == 1

    def test_where_there_are_generations_nothing_is_adopted(self):
        assert Host(generations(1, generation(1))).apply(operations.adopt) == []


class TestRollback:
    def apply(self, host: Host) -> list[list[str]]:
        return host.apply(operations.rollback, kfd="/k")

    def test_what_is_gone_back_from_is_rejected_first(self):
        host = Host(generations(2, generation(1), generation(2)), {1: SPOKEN})
        reject, activate = self.apply(host)
        assert (recorded(reject).number, recorded(reject).status) == (2, "rejected")
        assert recorded(reject).reason == "rolled back by hand"
        assert activate == activated(1, "server", "socket", "proxy")
        (said,) = host.said
        assert said.startswith(
            "rolled back to generation 1 (whisper.cpp v1.1 with small.en); deploy.py leaves"
        )
        assert any("await-units.sh" in command for command in host.ran)

    def test_what_is_gone_back_to_gets_the_python_that_is_there(self):
        before = generations(2, generation(1), generation(2))
        make, link, noted, reject, back = self.apply(Host(before, {1: SPOKEN}, venv=OUTDATED))
        check_mended(make, link, noted)
        assert recorded(reject).number == 2
        assert back == activated(1, "server", "socket", "proxy")

    def test_what_has_no_lock_file_is_refused_before_anything_is_changed(self):
        before = generations(2, generation(1), generation(2))
        (refused,) = self.apply(Host(before, {1: SPOKEN}, venv=OUTDATED, lock=False))
        assert failure(refused) == (
            "generation 1 (whisper.cpp v1.1 with small.en): nothing starts from its virtual "
            "environment (its packages are for Python 3.12, /usr/bin/python3.13 is 3.13), and it "
            "has no lock file to make another from; deploy.py makes a new generation"
        )

    def test_going_back_to_what_does_not_work_comes_back(self):
        before = generations(2, generation(1), generation(2))
        reject, back, restore, forth, refused = self.apply(Host(before, {1: "502", 2: SPOKEN}))
        assert recorded(reject).status == "rejected"
        assert (back[3], forth[3]) == ("1", "2")
        # As it was: nothing says that it was ever rejected.
        assert recorded(restore).manifest == generation(2).manifest
        assert (
            "rollback: generation 1 (whisper.cpp v1.1 with small.en): http://127.0.0.1:2024"
            in failure(refused)
        )
        assert failure(refused).endswith(
            "rolled back to generation 2 (whisper.cpp v1.2 with small.en), which transcribes"
        )

    @pytest.mark.parametrize(
        "found",
        [
            Generations(),
            generations(1, generation(1)),
            generations(2, rejected(1), generation(2)),
            generations(2, candidate(1), generation(2)),
        ],
    )
    def test_with_nothing_before_it_is_refused(self, found: Generations):
        (refused,) = self.apply(Host(found))
        assert failure(refused) == "rollback: no earlier generation is kept"


class TestPrune:
    def test_what_nothing_needs_is_removed_and_nothing_else(self):
        known = [generation(number) for number in range(1, 5)]
        (command,) = Host(generations(4, *known)).apply(operations.prune, choice=Choice((spec(),)))
        assert command[:2] == ["remove-versions", LAYOUT.services]
        assert set(command[2:]) == {*generation(1).parts[:3], "generations/1"}

    def test_three_stay(self):
        known = [generation(number) for number in range(1, 4)]
        assert Host(generations(3, *known)).apply(operations.prune, choice=Choice((spec(),))) == []


class TestAbsent:
    def test_every_version_goes(self):
        found = generations(2, generation(1), generation(2))
        theirs = replace(found, versions=(*found.versions, "whisper.cpp/build-vulkan"))
        (command,) = Host(theirs).apply(operations.absent)
        assert command == ["remove-setup", LAYOUT.services, *found.versions]

    def test_where_nothing_is_nothing_is_removed(self):
        assert Host(Generations()).apply(operations.absent) == []
