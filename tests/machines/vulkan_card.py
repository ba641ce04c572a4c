"""The card of card.py, as one that whisper-server uses by Vulkan.

The packages are real ones: the shader compiler, the loader, RADV, which finds no card, and
lavapipe. What the kernel tells of a process's memory is a directory that is mounted over its
fdinfo.
"""

import json

from bench.builds import ROCM
from tests.boxes import Box
from tests.machines import card
from tests.machines.card import CARD, MODEL_BYTES, SYSTEMCTL, WHISPER
from voicemode_whisper.core.build import BACKEND_PACKAGES, LAVAPIPE, cmake_arguments, packages
from voicemode_whisper.core.layout import PROXY_UNIT, SERVER_UNIT

NAME = "AMD Radeon RX 7800 XT (RADV NAVI32)"
LLVMPIPE = "llvmpipe (LLVM 19.1.7, 256 bits)"
MODE, FDINFO = "/home/ada/mode", "/root/fdinfo"
# What whisper-server is on from its next start on: the card, the processor in the guise of one, or
# the processor, as where RADV finds no card: then the backend says nothing.
ON_CARD, ON_LLVMPIPE, FALLEN_BACK = "card", "llvmpipe", "cpu"

# The lines are those of v1.9.1: tests/core/logs/whisper-vulkan-*.log.
SERVER = f"""#!/bin/sh
case $(cat {MODE}) in
  {ON_CARD}) device='{NAME} (radv)' ;;
  {ON_LLVMPIPE}) device='{LLVMPIPE} (llvmpipe)' ;;
  *) device='' ;;
esac
if [ -n "$device" ]; then
  echo 'ggml_vulkan: Found 1 Vulkan devices:'
  echo "ggml_vulkan: 0 = $device | uma: 0 | fp16: 1 | bf16: 0 | warp size: 64 | int dot: 1"
  echo 'whisper_model_load:      Vulkan0 total size =    77.11 MB'
  echo 'whisper_backend_init_gpu: using Vulkan0 backend'
else
  echo 'whisper_model_load:          CPU total size =    77.11 MB'
  echo 'whisper_backend_init_gpu: no GPU found'
fi
exec "$0-on-the-cpu" "$@" > /dev/null 2>&1
"""
# Of a client of the card that has the model in its memory.
CLIENT = (
    f"pos:\\t0\\ndrm-driver:\\tamdgpu\\ndrm-client-id:\\t42\\ndrm-pdev:\\t{CARD.address}\\n"
    f"drm-memory-vram:\\t{MODEL_BYTES // 1024} KiB\\ndrm-memory-gtt:\\t2048 KiB\\n"
)


def insert(box: Box) -> None:
    """Have a box that serves on its CPU serve on the card, by Vulkan."""
    card.show(box)
    card.make_devices(box, "660")
    wanted = (*packages("vulkan"), LAVAPIPE)
    box.run(f"pacman -Sy --needed --noconfirm {' '.join(wanted)}", user="root")
    _replace_server(box)
    to_proxy = {"BACKEND": "vulkan", "PCI": CARD.address, "GPU_MEMORY": MODEL_BYTES // 2}
    lines = (f"WHISPER_PROXY_{name}={value}" for name, value in to_proxy.items())
    card.append(box, "proxy.env", *lines)
    box.run(f"{SYSTEMCTL} restart {PROXY_UNIT}", user="root")
    serve(box)


def serve(box: Box, mode: str = ON_CARD, in_use: str = "gpu") -> None:
    """Have whisper-server serve in this mode, until the proxy says what it is on."""
    box.run(f"echo {mode} > {MODE} && {SYSTEMCTL} restart {SERVER_UNIT}", user="root")
    if mode == ON_CARD:
        pid = box.run(f"{SYSTEMCTL} show -p MainPID --value {SERVER_UNIT}", user="root").stdout
        box.run(
            f"mkdir -p {FDINFO} && printf '{CLIENT}' > {FDINFO}/3 && chmod -R a+rX /root && "
            f"mount --bind {FDINFO} /proc/{pid.strip()}/fdinfo",
            user="root",
        )
    box.run(card.settle(in_use), user="root")


def _replace_server(box: Box) -> None:
    manifest = json.loads(box.run(f"cat {card.MANIFEST}").stdout)
    tools = box.run(f"pacman -Q {' '.join(BACKEND_PACKAGES['vulkan'])}").stdout.splitlines()
    for entry in manifest["acceptance"].values():
        entry["speeds"] = [card.SLOW.record]
    made_for_card = {
        "backend": "vulkan",
        "cmake_arguments": cmake_arguments("vulkan", (), ROCM),
        "toolchain": [*tools, *manifest["toolchain"]],
    }
    box.run(f"cat > {card.MANIFEST}", input=json.dumps({**manifest, **made_for_card}, indent=2))
    serving = json.loads(box.run(f"cat {card.GENERATION}").stdout)
    for_card = {"backend": "vulkan", "gpu": CARD.to_json(), "vulkan": NAME}
    for_card["model"] = {**serving["model"], "size": MODEL_BYTES}
    refused = {"backend": "hip", "build": "", "refused": "whisper-cli ended with signal 6"}
    for_card["alternatives"] = [{**refused, "when": "2026-11-30T00:00:00+00:00"}]
    box.run(f"cat > {card.GENERATION}", input=json.dumps({**serving, **for_card}, indent=2))
    server = f"{WHISPER}/build/bin/whisper-server"
    box.run(
        f"echo {ON_CARD} > {MODE} && mv {server} {server}-on-the-cpu && "
        f"cat > {server} && chmod 755 {server} && "
        f"cd {WHISPER}/build && sha256sum bin/whisper-* vad.bin > SHA256SUMS",
        input=SERVER,
    )


SETTINGS = {"whisper_backend": "auto", "gpu_kfd": card.KFD, "gpu_pci": card.PCI}
