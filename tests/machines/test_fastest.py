"""Two builds for one card: the faster serves, and an upgrade of the other turns the order.

There is no AMD card here. Fakes stand in for whisper-server on one (card.py, vulkan_card.py), for
what vulkaninfo says of it; and the builds' manifests say what acceptance would have measured. What
is tried is all that follows from it.
"""

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from tests.boxes import Box
from tests.machines import card, vulkan_card
from tests.machines.card import CARD, SERVICES, SYSTEMCTL
from tests.machines.deploying import Run, deploy, raise_boxes
from tests.machines.doctoring import examined
from voicemode_whisper.core.build import BACKEND_PACKAGES, BuildSpec, Recipe, packages
from voicemode_whisper.core.layout import SERVER_UNIT
from voicemode_whisper.core.release import Release
from voicemode_whisper.core.speed import Speed
from voicemode_whisper.core.toolchain import parse_toolchain
from voicemode_whisper.scripts import script

SETTINGS = {"whisper_backend": "fastest", "gpu_kfd": card.KFD, "gpu_pci": card.PCI}
BUILDS = f"{SERVICES}/whisper.cpp/builds"
SERVERS = {"hip": card.SERVER, "vulkan": vulkan_card.SERVER}
CURRENT = f"{SERVICES}/current/manifest.json"
VULKANINFO = f"""#!/bin/sh
echo 'GPU0:
	deviceName = {vulkan_card.NAME}
	driverName = radv
	deviceType = PHYSICAL_DEVICE_TYPE_DISCRETE_GPU
	pciDomain = 0
	pciBus = 3
	pciDevice = 0
	pciFunction = 0'
"""
# As the kernel would: whatever process whisper-server is has the model in the card's memory.
ACCOUNT = f"""
mkdir -p {vulkan_card.FDINFO} && printf '{vulkan_card.CLIENT}' > {vulkan_card.FDINFO}/3
chmod -R a+rX /root
while :; do
  pid=$({SYSTEMCTL} show -p MainPID --value {SERVER_UNIT})
  [ "$pid" = 0 ] || grep -q "/proc/$pid/fdinfo " /proc/mounts ||
    mount --bind {vulkan_card.FDINFO} /proc/$pid/fdinfo
  sleep 0.1
done
"""


@pytest.fixture(scope="module")
def box(served: str) -> Iterator[Box]:
    """A box that serves on its CPU, and has a card, and a build for each way to it."""
    with raise_boxes("fastest", base=served) as (serving,):
        card.show(serving)
        card.make_devices(serving, "660")
        card.install_packages(serving)
        missing = " ".join(packages("vulkan"))
        serving.run(f"pacman -Sy --needed --noconfirm {missing}", user="root")
        serving.run(f"mkdir {card.KFD}/proc && echo '{card.ON_CARD}' > {card.MODE}")
        for backend, work in (("hip", 280), ("vulkan", 500)):
            write_build(serving, backend, work)
        serving.run("cat > /usr/bin/vulkaninfo", user="root", input=VULKANINFO)
        serving.run("cat > /root/account.sh", user="root", input=ACCOUNT)
        serving.run("systemd-run -q sh /root/account.sh", user="root")
        yield serving


def path_of(box: Box, backend: str) -> tuple[str, Recipe]:
    """Where the deploy looks for the build, and what it is made from."""
    release = Release(**json.loads(box.run(f"cat {CURRENT}").stdout)["release"])
    targets = (CARD.gfx,) if backend == "hip" else ()
    spec = BuildSpec(release, backend, targets, CARD)
    asked = script("toolchain", spec.driver, *BACKEND_PACKAGES[backend]).get_raw_value()
    recipe = Recipe.of(spec, parse_toolchain(box.run(asked).stdout.splitlines()))
    return f"{BUILDS}/{recipe.name}", recipe


def write_build(box: Box, backend: str, work: float) -> None:
    """Have a build that takes so many milliseconds for the sample, without loading the model."""
    path, recipe = path_of(box, backend)
    serving = json.loads(box.run(f"cat {CURRENT}").stdout)
    entry = {"speeds": [Speed("-fa", 200, 90, 200 + work).record]}
    manifest = recipe.manifest(datetime.now(UTC), 600)
    manifest["acceptance"] = {serving["model"]["sha256"]: entry}
    box.run(
        f"[ -e {path} ] || {{ mkdir {path} && "
        f"cp -r $(realpath {SERVICES}/current/build)/. {path} && "
        f"mv {path}/bin/whisper-server {path}/bin/whisper-server-on-the-cpu; }} && "
        f"cat > {path}/bin/whisper-server && chmod 755 {path}/bin/whisper-server && "
        f"cd {path} && sha256sum bin/whisper-* vad.bin > SHA256SUMS",
        input=SERVERS[backend],
    )
    box.run(f"cat > {path}/manifest.json", input=json.dumps(manifest, indent=2))


def serves(box: Box) -> str:
    return str(json.loads(box.run(f"cat {CURRENT}").stdout)["backend"])


@pytest.fixture(scope="module")
def run(box: Box) -> Run:
    return deploy(box, **SETTINGS)


def test_the_faster_serves_and_both_are_shown(box: Box, run: Run):
    assert run.status == 0, run.output
    assert "with HIP or Vulkan, whichever is faster" in run.output
    assert re.search(r"HIP +480 ms +90 ms +serves", run.output)
    assert re.search(r"Vulkan +700 ms +90 ms", run.output)
    assert serves(box) == "hip"


def test_the_other_is_kept_and_nothing_is_built_or_timed_again(box: Box, run: Run):
    path, _ = path_of(box, "vulkan")
    box.run(f"test -x {path}/bin/whisper-server")
    number = json.loads(box.run(f"cat {CURRENT}").stdout)["number"]
    again = deploy(box, **SETTINGS)
    assert again.status == 0, again.output
    assert json.loads(box.run(f"cat {CURRENT}").stdout)["number"] == number
    # The fake's process is not of whisper-server's own file, so it is restarted.
    assert again.changed <= {"Services | Switch to whisper.cpp v1.9.1 with tiny.en"}


def test_the_doctor_says_by_how_much(box: Box, run: Run):
    rows = examined(box, **SETTINGS).rows
    faster = "HIP, the faster on this card: Vulkan takes 500 ms without loading"
    assert rows["backend"] == f"OK  {faster}"


def test_a_build_that_is_faster_now_takes_over(box: Box, run: Run):
    write_build(box, "vulkan", 200)
    box.run(f"echo {vulkan_card.ON_CARD} > {card.MODE}")
    turned = deploy(box, **SETTINGS)
    assert turned.status == 0, turned.output
    assert serves(box) == "vulkan"
    manifest = json.loads(box.run(f"cat {CURRENT}").stdout)
    assert manifest["alternatives"][0]["milliseconds"] == 280
