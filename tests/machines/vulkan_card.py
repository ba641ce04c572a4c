"""The card of card.py, as one that whisper-server uses by Vulkan.

The packages are real ones: the shader compiler, the loader, RADV, which finds no card, and
lavapipe. What the kernel tells of a process's memory is a directory that is mounted over its
fdinfo.
"""

from tests.boxes import Box
from tests.machines import card
from tests.machines.card import CARD, MODE, MODEL_BYTES, SYSTEMCTL
from voicemode_whisper.core.build import LAVAPIPE, packages
from voicemode_whisper.core.layout import PROXY_UNIT, SERVER_UNIT

NAME = "AMD Radeon RX 7800 XT (RADV NAVI32)"
LLVMPIPE = "llvmpipe (LLVM 19.1.7, 256 bits)"
FDINFO = "/root/fdinfo"
SETTINGS = {"whisper_backend": "auto", "gpu_kfd": card.KFD, "gpu_pci": card.PCI}
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
    refused = {"backend": "hip", "build": "", "refused": "whisper-cli ended with signal 6"}
    alternatives = [{**refused, "when": "2026-11-30T00:00:00+00:00"}]
    card.replace_server(box, "vulkan", {"vulkan": NAME, "alternatives": alternatives}, SERVER)
    card.tell_proxy(box, BACKEND="vulkan", PCI=CARD.address, GPU_MEMORY=MODEL_BYTES // 2)
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
