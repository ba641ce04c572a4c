"""Two backends on one host: which is tried, which serves, and what becomes of the other."""

import json
import shlex
from collections.abc import Callable, Mapping
from typing import Any
from unittest.mock import patch

import pytest

from tests.fake_hosts import FakeHost
from tests.generations import (
    BY_VULKAN,
    MODEL,
    PYTHON,
    TOOLS,
    generation,
    generations,
    rejected,
    settings,
    spec,
)
from tests.whisper_logs import FELL_BACK, SPOKEN
from voicemode_whisper.core.acceptance import SmokeTest
from voicemode_whisper.core.build import PROGRAMS, ROCM_PACKAGES, VULKAN_PACKAGES
from voicemode_whisper.core.choice import Choice
from voicemode_whisper.core.device_access import Device, DeviceAccess
from voicemode_whisper.core.generations import Generations, GenerationSpec
from voicemode_whisper.core.layout import Layout
from voicemode_whisper.core.services import Activation
from voicemode_whisper.core.speed import Speed
from voicemode_whisper.core.toolchain import Toolchain
from voicemode_whisper.operations import whisper
from voicemode_whisper.operations.generations import prune, switch
from voicemode_whisper.operations.util.choice import chosen, is_due, is_tried

LAYOUT = Layout("/h")
HIP, VULKAN = spec(), spec(build=BY_VULKAN)
RETRIED = spec(settings=settings(retry="yes"))
SHADERC = Toolchain(("shaderc 2026.1-1", "c++ 15"))
AUTO, FASTEST = Choice((HIP, VULKAN)), Choice((HIP, VULKAN), by_speed=True)
KNOWN = generations(1, generation(1))


def tools_of(one: GenerationSpec) -> Toolchain:
    return TOOLS if one.build.backend == "hip" else SHADERC


def path_of(one: GenerationSpec) -> str:
    return f"{LAYOUT.builds}/{one.resolve(tools_of(one), PYTHON).recipe.name}"


def accepted(work: float) -> dict[str, Any]:
    """The manifest of a build that takes so many milliseconds, without loading."""
    speeds = [Speed("-fa", 200, 93, 200 + work).record]
    return {"acceptance": {MODEL.sha256: {"speeds": speeds}}}


REFUSED = {"acceptance": {MODEL.sha256: {"when": "2026-11-30T01:02:03", "refused": "it fell back"}}}


class Host(FakeHost):
    """A host with these builds, which answers as it is told."""

    def __init__(
        self,
        hip: Mapping[str, Any] | None = None,
        vulkan: Mapping[str, Any] | None = None,
        known: Generations = KNOWN,
        access: DeviceAccess | None = None,
    ) -> None:
        fell_back = [SmokeTest(program, 0, SPOKEN, FELL_BACK) for program in PROGRAMS]
        facts = {
            "toolchain.Toolchain": {
                f"driver=, packages={ROCM_PACKAGES}": TOOLS,
                f"driver=vulkan-radeon, packages={VULKAN_PACKAGES}": SHADERC,
            },
            "toolchain.Python": PYTHON,
            "generations.Generations": {f"layout={LAYOUT}": known},
            "build.Manifest": {f"path={path_of(HIP)}": hip, f"path={path_of(VULKAN)}": vulkan},
            "build.SmokeTests": {
                f"path={path_of(one)}/smoke-test.log": fell_back for one in (HIP, VULKAN)
            },
            "machine.UserName": "ada",
            "device_access.ConnectionDeviceAccess": {"user=ada": access or DeviceAccess()},
        }
        super().__init__(facts)

    def ask(self, question: Callable[..., Any], *arguments: Any) -> Any:
        with self.worked_on():
            return question(LAYOUT, *arguments)

    def accept(self, one: GenerationSpec, choice: Choice) -> list[str]:
        """The commands of the acceptance of a build."""
        return self.commands(
            whisper.accept, layout=LAYOUT, spec=one, choice=choice, kfd="/k", pci="/p"
        )


@pytest.mark.parametrize(
    ("hip", "choice", "due"),
    [
        (None, AUTO, False),
        (accepted(280), AUTO, False),
        (REFUSED, AUTO, True),
        (None, FASTEST, True),
        (accepted(280), FASTEST, True),
    ],
)
def test_vulkan_is_tried_where_hip_was_refused_or_both_are_to_be_timed(
    hip: Mapping[str, Any] | None, choice: Choice, due: bool
):
    assert Host(hip).ask(is_due, choice, VULKAN) is due
    assert Host(hip).ask(is_due, choice, HIP) is True


def test_what_was_rejected_in_service_is_not_tried_again():
    made = {"fingerprint": HIP.resolve(TOOLS, PYTHON).fingerprint}
    host = Host(accepted(280), known=generations(1, generation(1), rejected(2, **made)))
    assert host.ask(is_tried, AUTO, HIP) is False


@pytest.mark.parametrize(
    ("hip", "vulkan", "choice", "serves", "others"),
    [
        (None, None, AUTO, HIP, 0),
        (accepted(280), None, AUTO, HIP, 0),
        (REFUSED, accepted(300), AUTO, VULKAN, 1),
        (accepted(280), accepted(240), AUTO, HIP, 0),
        (accepted(280), accepted(240), FASTEST, VULKAN, 1),
        (accepted(280), accepted(300), FASTEST, HIP, 1),
        (accepted(280), REFUSED, FASTEST, HIP, 1),
    ],
)
def test_what_serves_is_what_the_builds_on_the_host_say(
    hip: Mapping[str, Any] | None,
    vulkan: Mapping[str, Any] | None,
    choice: Choice,
    serves: GenerationSpec,
    others: int,
):
    found, alternatives, _ = Host(hip, vulkan).ask(chosen, choice)
    assert found == serves
    assert len(alternatives) == others


def test_one_spec_alone_is_asked_nothing():
    choice = Choice((HIP,))
    with patch("voicemode_whisper.operations.util.choice.read_fact", side_effect=AssertionError):
        assert Host().ask(chosen, choice) == (HIP, (), [])


def test_a_hip_build_that_is_refused_leaves_it_to_vulkan_and_says_why():
    host = Host()
    test, remembered = host.accept(HIP, AUTO)
    assert "smoke-test" in test
    assert remembered.startswith(f"sh -c write.sh write {path_of(HIP)}/manifest.json ")
    (said,) = host.said
    assert "HIP was refused on " in said
    assert "ran on cpu instead of hip (ggml_cuda_init: failed to initialize ROCm" in said
    assert said.endswith("another backend is used; --data retry=yes tries it again")


def test_what_the_machine_is_at_fault_for_is_no_reason_to_leave_a_backend():
    """The other would not be better off, or the machine is well tomorrow."""
    render = Device("/dev/dri/renderD128", "crw-rw----", "root", "render")
    access = DeviceAccess((render,), account_groups=("render",), process_groups=("ada",))
    *_, failure = Host(access=access).accept(HIP, AUTO)
    assert "was rejected: whisper-server ran on cpu instead of hip" in failure
    assert "ada is in the group render, but" in failure


@pytest.mark.parametrize("serves", [accepted(280), None])
def test_builds_that_were_tried_are_not_freed(serves: Mapping[str, Any] | None):
    """Though the generation that serves is older than the setting by which they were."""
    tried = [f"whisper.cpp/builds/{path_of(one).rpartition('/')[2]}" for one in (HIP, VULKAN)]
    known = Generations(
        (generation(1),), 1, versions=(*tried, "whisper.cpp/builds/v1-0123456789ab")
    )
    host = Host(serves, REFUSED, known)
    (command,) = host.commands(prune, layout=LAYOUT, choice=FASTEST)
    removed = shlex.split(command)[5:]
    assert removed == ["whisper.cpp/builds/v1-0123456789ab"]


def test_what_serves_already_learns_of_what_was_tried_beside_it():
    made = {"fingerprint": HIP.resolve(TOOLS, PYTHON).fingerprint}
    known = generations(1, generation(1, **made))
    host = Host(accepted(280), accepted(300), known)
    plan = patch("voicemode_whisper.operations.generations._plan", return_value=Activation((), ()))
    with plan:
        (command,) = host.commands(switch, layout=LAYOUT, choice=FASTEST)
    manifest = json.loads(shlex.split(command)[-1])
    assert manifest["number"] == 1
    assert [other["milliseconds"] for other in manifest["alternatives"]] == [300]
    assert len(manifest["comparison"]) == 3


def test_a_build_that_was_refused_is_not_tried_again_but_said():
    host = Host(REFUSED)
    assert host.accept(HIP, AUTO) == []
    assert host.said == [
        "HIP was refused on 2026-11-30: it fell back; another backend is used; --data retry=yes "
        "tries it again"
    ]


def test_it_is_tried_again_when_that_is_asked_for_or_where_nothing_else_is_left():
    assert Host(REFUSED).accept(RETRIED, Choice((RETRIED, VULKAN)))
    *_, failure = Host(REFUSED).accept(HIP, Choice((HIP,)))
    assert "was rejected" in failure


def test_the_last_one_fails_the_host_unless_another_serves():
    *_, failure = Host(REFUSED).accept(VULKAN, AUTO)
    assert "was rejected: whisper-server ran on cpu instead of vulkan" in failure
    *_, remembered = Host(accepted(280)).accept(VULKAN, FASTEST)
    entry = json.loads(shlex.split(remembered)[-1])["acceptance"][MODEL.sha256]
    assert entry["refused"].startswith("whisper-server ran on cpu instead of vulkan")
