"""whisper.cpp really built with Vulkan, and run on llvmpipe: `make test-vulkan`.

The card is one that only the kernel's files speak of. The shaders take a quarter of an hour of two
cores, so neither `make test` nor CI does this. llvmpipe needs many minutes for the whole sample,
more than acceptance grants. What is proved with it is that the build hears the words in the
beginning of the sample, and that its log tells what it computes on.
"""

import re
from collections.abc import Iterator

import pytest

from tests.boxes import Box
from tests.machines import card
from tests.machines.deploying import SERVICES, Run, deploy, deployed, raise_boxes, transcript
from voicemode_whisper.core.backend_log import usage
from voicemode_whisper.core.speech import is_spoken

pytestmark = pytest.mark.vulkan

COMPILING = 3 * 60 * 60.0  # seconds, on a machine that others use too
CHECKOUT = f"{SERVICES}/whisper.cpp"
LVP = "/usr/share/vulkan/icd.d/lvp_icd.json"
TO_CARD = {"whisper_backend": "vulkan", "gpu_kfd": card.KFD}


@pytest.fixture(scope="module")
def box(served: str) -> Iterator[Box]:
    """A box that serves on the CPU, and then gets a card."""
    with raise_boxes("vulkan-build", base=served) as (serving,):
        card.show(serving)
        yield serving


@pytest.fixture(scope="module")
def run(box: Box) -> Run:
    """The deploy for the card that is not there."""
    return deploy(box, timeout=COMPILING, **TO_CARD)


@pytest.fixture(scope="module")
def build(box: Box, run: Run) -> str:
    """The directory of the build with Vulkan."""
    found = box.run(f"cd {CHECKOUT} && grep -l GGML_VULKAN=ON builds/v*/manifest.json").stdout
    (manifest,) = found.split()
    return f"{CHECKOUT}/{manifest.removesuffix('/manifest.json')}"


def test_no_rocm_is_installed(box: Box, run: Run):
    assert "tiny.en for AMD GPU (gfx1101, 16 GiB, 0000:03:00.0), with Vulkan" in run.output
    assert box.run("pacman -Qq | grep -cE 'rocm|^hip' || true").stdout.strip() == "0"
    box.run("pacman -Q shaderc spirv-headers vulkan-headers vulkan-radeon vulkan-tools")


def test_the_gate_refuses_it_without_the_card_and_says_why(run: Run):
    assert run.status == 1, run.output
    assert "ran on cpu instead of vulkan (whisper_backend_init_gpu: no GPU found)" in run.output
    assert "cause: the kernel shows no /dev/dri/renderD*: amdgpu is not loaded" in run.output


def test_a_second_run_fails_the_same_without_building(box: Box, run: Run):
    again = deploy(box, timeout=COMPILING, **TO_CARD)
    assert again.status == 1
    assert "ran on cpu instead of vulkan" in again.output
    assert "Building CXX object" not in again.output


def test_llvmpipe_is_refused_where_it_is_not_allowed_by_name(box: Box):
    refused = deploy(box, whisper_backend="vulkan")
    assert refused.status == 1
    assert "whisper_backend: got 'vulkan', but the kernel shows no AMD GPU" in refused.output


def test_the_build_computes_on_llvmpipe_and_its_log_tells_of_it(box: Box, build: str):
    box.run("pacman -S --needed --noconfirm vulkan-swrast", user="root")
    start = "ffmpeg -loglevel error -y -t 3 -i"
    box.run(f"{start} {CHECKOUT}/samples/jfk.wav -ac 1 -ar 16000 -c:a pcm_s16le /tmp/start.wav")
    # Of the 30 s that Whisper looks at, llvmpipe is given four.
    said = box.run(
        f"VK_DRIVER_FILES={LVP} GGML_VK_VISIBLE_DEVICES=0 {build}/bin/whisper-cli -nt -ac 200 "
        f"-m {CHECKOUT}/models/ggml-tiny.en.bin -f /tmp/start.wav 2>/tmp/log",
        timeout=COMPILING,
    ).stdout
    used = usage(box.run("cat /tmp/log").stdout.splitlines())
    assert (used.backend, used.driver, used.is_software) == ("vulkan", "llvmpipe", True)
    assert re.search(r"fellow Americans", said)


def test_what_served_goes_on_serving(box: Box, run: Run):
    assert is_spoken(transcript(box))
    assert deployed(box, whisper_backend="cpu").changed <= {
        "Verify | Free what no generation needs"
    }
