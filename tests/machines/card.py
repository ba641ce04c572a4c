"""An RX 7800 XT for a box that has no card, as far as the deploy looks at one.

What the kernel, ROCm and whisper-server tell of a card is told by files of the same form:

- KFD's tree in sysfs is one in ada's home, which `gpu_kfd` names;
- its watts and load, as its driver's in sysfs (amdgpu's hwmon and gpu_busy_percent), are files in
  ada's home too, below what `gpu_pci` names; they stay what they are whatever it does;
- the devices are files with the devices' names, owners and modes, which count in the same way;
- the packages of ROCm stand in pacman's database, and are nowhere else;
- the build's manifest says that it was made for the card, and that it was slow when it was tried,
  or a busy machine would be taken for a card that others use;
- whisper-server is a script that says what one on the card says, has the memory accounted to it
  that the model would take, and goes on as the real one, which computes on the CPU. When it cannot
  open the devices, or is shown another GPU, it falls back as one with ROCm does.

So what is tried with it is all that judges a card, and nothing that a card does.
"""

import json
import shlex

from bench.builds import ROCM
from tests.boxes import Box
from voicemode_whisper.core.build import BACKEND_PACKAGES, ROCM_PACKAGES, cmake_arguments
from voicemode_whisper.core.gpu import Gpu
from voicemode_whisper.core.layout import PROXY_UNIT, SERVER_UNIT
from voicemode_whisper.core.speed import Speed

KFD = "/home/ada/kfd"
TOPOLOGY = {
    "0/properties": "gfx_target_version 0",
    "1/properties": "gfx_target_version 110001\nlocation_id 768\ndomain 0",
    "1/mem_banks/0/properties": "heap_type 1\nsize_in_bytes 17163091968",
}
PCI = "/home/ada/pci"
DEVICE = f"{PCI}/0000:03:00.0"
WATTS, BUSY = f"{DEVICE}/hwmon/hwmon3/power1_average", f"{DEVICE}/gpu_busy_percent"
DEVICES = ("/dev/kfd", "/dev/dri/renderD128")
PACMAN = "/var/lib/pacman/local"
VERSION = "7.2.0-1"
SERVICES = "/home/ada/.voicemode/services"
UNITS = "/home/ada/.config/systemd/user"
SYSTEMCTL = "systemctl --user --machine=ada@.host"
WHISPER = f"{SERVICES}/whisper.cpp"
MANIFEST = f"{WHISPER}/build/manifest.json"
GENERATION = f"{SERVICES}/current/manifest.json"
CARD = Gpu(0, "gfx1101", 17163091968, "0000:03:00.0")
IDLE_WATTS = 12
MODEL_BYTES = 77_704_715
SLOW = Speed("-fa", load=1000, encode=9000, total=20000)

# How whisper-server is to be from its next start on. On the card, or:
ON_CARD = "on the card"
FALLEN_BACK = "fallen back"  # to the CPU, whatever the devices are like
BUILT_FOR_CPU = "built for the cpu"
ON_ANOTHER = "on another gpu"
NOT_IN_MEMORY = "not in memory"  # though its log tells of the card
WITHOUT_CODE = "without code"  # for the card, of which it dies
MODE = "/home/ada/mode"

SERVER = f"""#!/bin/sh
device='AMD Radeon RX 7800 XT, gfx1101 (0x1101)' memory={MODEL_BYTES}
mode=$(cat {MODE})
case $mode in
  '{ON_ANOTHER}') device='AMD Radeon Graphics, gfx1036 (0x1036)' ;;
  '{NOT_IN_MEMORY}') memory=3145728 ;;
esac
can_open() {{
  for path in {" ".join(DEVICES)}; do [ -r $path ] && [ -w $path ] || return 1; done
}}
on_cpu() {{
  echo 'whisper_model_load:          CPU total size =    77.11 MB'
  echo 'whisper_backend_init_gpu: no GPU found'
}}
rm -rf {KFD}/proc/*
if [ "$mode" = '{BUILT_FOR_CPU}' ]; then
  on_cpu
elif [ "$mode" = '{FALLEN_BACK}' ] || [ "${{HIP_VISIBLE_DEVICES:-0}}" != 0 ] || ! can_open; then
  echo 'ggml_cuda_init: failed to initialize ROCm: no ROCm-capable device is detected'
  on_cpu
else
  echo 'ggml_cuda_init: found 1 ROCm devices (Total VRAM: 16368 MiB):'
  echo "  Device 0: $device, VMM: no, Wave Size: 32, VRAM: 16368 MiB"
  if [ "$mode" = '{WITHOUT_CODE}' ]; then
    echo 'ROCm error: device kernel image is invalid'
    exit 1
  fi
  echo 'whisper_backend_init_gpu: device 0: ROCm0 (type: 1)'
  echo 'whisper_backend_init_gpu: found GPU device 0: ROCm0 (type: 1, cnt: 0)'
  echo 'whisper_backend_init_gpu: using ROCm0 backend'
  echo 'whisper_model_load:        ROCm0 total size =    77.11 MB'
  mkdir {KFD}/proc/$$ && echo $memory > {KFD}/proc/$$/vram_1
fi
exec "$0-on-the-cpu" "$@" > /dev/null 2>&1
"""


def show(box: Box) -> None:
    """Have a card in KFD's topology."""
    nodes = f"{KFD}/topology/nodes"
    files = (
        f"mkdir -p $(dirname {nodes}/{name}) && echo {shlex.quote(text)} > {nodes}/{name}"
        for name, text in TOPOLOGY.items()
    )
    box.run(" && ".join(files))


def draw(watts: int, busy: int) -> str:
    """A command that has the card draw this, and say that it is so many percent busy."""
    return f"echo {watts}000000 > {WATTS} && echo {busy} > {BUSY}"


def make_devices(box: Box, mode: str) -> None:
    """Have the devices, open to render as `mode` says, until the next boot."""
    made = (f"rm -f {path} && install -m {mode} -g render /dev/null {path}" for path in DEVICES)
    box.run(f"mkdir -p /dev/dri && {' && '.join(made)}", user="root")


def insert(box: Box) -> None:
    """Have a box that serves on its CPU serve on the card."""
    show(box)
    box.run(f"mkdir -p {KFD}/proc $(dirname {WATTS}) && {draw(IDLE_WATTS + 2, 1)}")
    make_devices(box, "660")
    install_packages(box)
    replace_server(box, "hip", {"idle_watts": IDLE_WATTS}, SERVER)
    tell_proxy(box, BACKEND="hip", KFD=KFD, GPU_MEMORY=MODEL_BYTES // 2)
    append(box, "server.env", "ROCR_VISIBLE_DEVICES=0")
    box.run(f"{SYSTEMCTL} restart {PROXY_UNIT} && {serve()}", user="root")


def restart(mode: str = ON_CARD) -> str:
    """A command of root's that has whisper-server start again in this mode, and does not wait."""
    return f"echo '{mode}' > {MODE}; {SYSTEMCTL} --no-block restart {SERVER_UNIT}"


def settle(in_use: str = "gpu") -> str:
    """A command that ends when whisper-server answers, and the proxy says what it is on."""
    ready = "curl -fs -o /dev/null 127.0.0.1:2022/health"
    seen = f'curl -s 127.0.0.1:2023/health | grep -q \'"in_use": "{in_use}"\''
    return f"timeout 30 sh -c {shlex.quote(f'until {ready} && {seen}; do sleep 0.05; done')}"


def serve(mode: str = ON_CARD, in_use: str = "gpu") -> str:
    """A command of root's that has whisper-server serve in this mode."""
    return f"echo '{mode}' > {MODE} && {SYSTEMCTL} restart {SERVER_UNIT} && {settle(in_use)}"


def install_packages(box: Box) -> None:
    """Have the packages of ROCm in pacman's database, without their files."""
    names = ("rocm-hip-sdk", *ROCM_PACKAGES)
    entries = (
        f"mkdir {PACMAN}/{name}-{VERSION} && "
        f"printf '%s\\n' %NAME% {name} '' %VERSION% {VERSION} > {PACMAN}/{name}-{VERSION}/desc"
        for name in names
    )
    box.run(f"{' && '.join(entries)} && pacman -T {' '.join(names)}", user="root")


def replace_server(box: Box, backend: str, generation: dict[str, object], server: str) -> None:
    """Have a whisper-server on the box that is this script, as if the deploy had built it so.

    The real one lies beside it. `generation` is what only this backend's generation says.
    """
    manifest = json.loads(box.run(f"cat {MANIFEST}").stdout)
    tools = box.run(f"pacman -Q {' '.join(BACKEND_PACKAGES[backend])}").stdout.splitlines()
    for entry in manifest["acceptance"].values():
        entry["speeds"] = [SLOW.record]
    made_for_card = {
        "backend": backend,
        "cmake_arguments": cmake_arguments(backend, (CARD.gfx,), ROCM),
        "toolchain": [*tools, *manifest["toolchain"]],
    }
    box.run(f"cat > {MANIFEST}", input=json.dumps({**manifest, **made_for_card}, indent=2))
    serving = json.loads(box.run(f"cat {GENERATION}").stdout)
    for_card = {"backend": backend, "gpu": CARD.to_json(), **generation}
    for_card["model"] = {**serving["model"], "size": MODEL_BYTES}
    box.run(f"cat > {GENERATION}", input=json.dumps({**serving, **for_card}, indent=2))
    program = f"{WHISPER}/build/bin/whisper-server"
    box.run(
        f"mv {program} {program}-on-the-cpu && cat > {program} && chmod 755 {program} && "
        f"cd {WHISPER}/build && sha256sum bin/whisper-* vad.bin > SHA256SUMS",
        input=server,
    )


def tell_proxy(box: Box, **variables: object) -> None:
    """Set these variables of the proxy, less their prefix, in the generation that serves."""
    append(box, "proxy.env", *(f"WHISPER_PROXY_{name}={variables[name]}" for name in variables))


def append(box: Box, file: str, *variables: str) -> None:
    """Set these in an environment file of the generation that serves: the last line counts."""
    lines = "".join(f"{variable}\n" for variable in variables)
    box.run(f"cat >> {SERVICES}/current/{file}", input=lines)
