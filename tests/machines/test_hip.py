"""A real HIP toolchain, and a card that only the kernel's files speak of: `make test-hip`.

The first run compiles for half an hour, so neither `make test` nor CI does this.
"""

import json
from collections.abc import Iterator

import pytest

from tests import boxes
from tests.boxes import Box, kinds
from tests.machines.deploying import SERVICES, Run, deploy, deployed, raise_boxes, transcript
from voicemode_whisper.core.speech import is_spoken

pytestmark = pytest.mark.hip

COMPILING = 3 * 60 * 60.0  # seconds, on a machine that others use too
KFD = "/home/ada/kfd"
CHECKOUT = f"{SERVICES}/whisper.cpp"
# Where AMD's own packages of ROCm 10 have it.
MOVED = "/opt/rocm/core-10.0"

# What the kernel shows of an RX 7800 XT, as far as the deploy reads it.
NODES = {
    "0/properties": "cpu_cores_count 16\ngfx_target_version 0\n",
    "0/mem_banks/0/properties": "heap_type 0\nsize_in_bytes 67108864000\n",
    "1/properties": "simd_count 120\ngfx_target_version 110001\n",
    "1/mem_banks/0/properties": "heap_type 1\nsize_in_bytes 17163091968\n",
}


@pytest.fixture(scope="module")
def box() -> Iterator[Box]:
    """A box that serves on the CPU, and then gets a card."""
    with raise_boxes("card", kind=boxes.HIP) as (fresh,):
        deployed(fresh, whisper_backend="cpu")
        for path, text in NODES.items():
            file = f"{KFD}/topology/nodes/{path}"
            fresh.run(f"mkdir -p $(dirname {file}) && cat > {file}", input=text)
        yield fresh


@pytest.fixture(scope="module")
def before(box: Box) -> str:
    return live(box)


@pytest.fixture(scope="module")
def run(box: Box, before: str) -> Run:
    """The deploy for the card that is not there."""
    return deploy(box, whisper_backend="hip", gpu_kfd=KFD, timeout=COMPILING)


@pytest.fixture(scope="module")
def build(box: Box, before: str, run: Run) -> str:
    """The directory of the build for the card."""
    names = box.run(f"cd {CHECKOUT} && ls -d builds/v*").stdout.split()
    (name,) = [name for name in names if name != before]
    return f"{CHECKOUT}/{name}"


def live(box: Box) -> str:
    return box.run(f"cd {CHECKOUT} && realpath --relative-to=. build").stdout.strip()


def found(box: Box, file: str, pattern: str) -> set[str]:
    """The strings of a binary that match a pattern."""
    return set(box.run(f"strings -a {file} | grep -oE -- '{pattern}'").stdout.splitlines())


def test_rocm_comes_through_pacman(box: Box, run: Run):
    assert "tiny.en for AMD GPU (gfx1101, 16 GiB), built for gfx1101" in run.output
    compiler = "/opt/rocm/lib/llvm/bin/clang++"
    owner = box.run(f"pacman -Qqo $(readlink -f {compiler}) /opt/rocm/lib/llvm").stdout.split()
    assert owner == ["clang-21", "rocm-llvm"]


def test_the_build_fails_at_the_gate_with_the_cause(run: Run):
    assert run.status == 1, run.output
    last = [line for line in run.output.splitlines() if "--> Starting operation:" in line][-1]
    assert last.strip().endswith("whisper.cpp | Test whisper.cpp v1.9.1 with tiny.en")
    assert (
        "ran on cpu instead of hip (ggml_cuda_init: failed to initialize ROCm: "
        "no ROCm-capable device is detected); what served goes on serving"
    ) in run.output
    assert "cause: the kernel shows no /dev/kfd" in run.output


@pytest.mark.parametrize("program", ["whisper-server", "whisper-cli"])
def test_it_was_compiled_for_that_card_alone(box: Box, build: str, program: str):
    kernels = found(box, f"{build}/bin/{program}", "hip[a-z0-9]*-amdgcn-amd-amdhsa-[-a-z0-9]+")
    assert kernels == {"hipv4-amdgcn-amd-amdhsa--gfx1101"}


@pytest.mark.parametrize("program", ["whisper-server", "whisper-cli"])
def test_ggml_s_hip_backend_is_in_it(box: Box, build: str, program: str):
    file = f"{build}/bin/{program}"
    names = box.run(f"nm -C {file} | grep -oE '(ggml_cuda_init|ggml_backend_cuda_reg)\\(?'").stdout
    assert {name.rstrip("(") for name in names.split()} == {
        "ggml_cuda_init",
        "ggml_backend_cuda_reg",
    }
    assert "libamdhip64.so" in box.run(f"ldd {file}").stdout


def test_a_second_run_fails_the_same_without_building(box: Box, run: Run):
    again = deploy(box, whisper_backend="hip", gpu_kfd=KFD)
    assert again.status == 1
    assert "ran on cpu instead of hip" in again.output
    assert "Building HIP object" not in again.output


def test_a_rocm_that_moves_is_found_and_built_for(box: Box, build: str, before: str, run: Run):
    _move_rocm(box)
    assert box.run("pacman -Q rocblas rocm-llvm").stdout.split()[1::2] == ["10.0-1", "10.0-1"]
    # The directories are nobody's on a box, as its packages list none, and stay.
    elsewhere = f"find /opt/rocm -path {MOVED} -prune -o ! -type d -print"
    assert box.run(elsewhere).stdout == ""
    moved = deploy(box, whisper_backend="hip", gpu_kfd=KFD, timeout=COMPILING)
    made_since = f"cd {CHECKOUT} && grep -l 'rocblas 10.0-1' builds/v*/manifest.json"
    (manifest,) = box.run(made_since).stdout.split()
    made_with = json.loads(box.run(f"cat {CHECKOUT}/{manifest}").stdout)["cmake_arguments"]
    assert f"-DCMAKE_PREFIX_PATH={MOVED}" in made_with
    assert f"-DCMAKE_HIP_COMPILER={MOVED}/lib/llvm/bin/clang++" in made_with
    # There is no card: what served before goes on serving.
    assert "ran on cpu instead of hip" in moved.output
    assert live(box) == before
    assert is_spoken(transcript(box))


def _move_rocm(box: Box) -> None:
    """Upgrade ROCm, through pacman, to packages that have all of it in a directory of their own."""
    for name, links in kinds.HIP_LINKS.items():
        root = f"/tmp/{name}"
        depends = "\n".join(f"depend = {other}" for other in kinds.HIP_ALIASES[name])
        info = f"pkgname = {name}\npkgbase = {name}\npkgver = 10.0-1\narch = x86_64\n{depends}\n"
        made = [f"mkdir -p {root}"]
        for path, target in links.items():
            new = f"{root}/{path.replace('opt/rocm', MOVED.lstrip('/'), 1)}"
            made.append(f"mkdir -p $(dirname {new}) && ln -s {target} {new}")
        box.run(" && ".join(made))
        box.run(f"cat > {root}/.PKGINFO", input=info)
        box.run(f"cd {root} && tar -czf ../{name}-10.0-1-x86_64.pkg.tar.gz .PKGINFO opt")
    box.run("pacman -U --noconfirm /tmp/*-10.0-1-x86_64.pkg.tar.gz", user="root")


def test_what_served_goes_on_serving(box: Box, before: str, run: Run):
    assert live(box) == before
    assert f"/{before}/" in box.run("readlink /proc/$(pgrep -x whisper-server)/exe").stdout
    assert is_spoken(transcript(box))
    # The build that nothing needs is removed; else there is nothing to do.
    assert deployed(box, whisper_backend="cpu").changed <= {
        "Verify | Free what no generation needs"
    }
