"""The original guide: a machine set up by hand with its own commands, as many are.

The texts are the guide's, word for word. What a box cannot do as it stands there is replaced, and
each replacement says why.
"""

from tests.boxes import Box
from tests.boxes.system import SOURCES
from tests.machines.deploying import ROOT

VERSION = "v1.7.5"
OLD_URL = "https://github.com/ggerganov/whisper.cpp.git"

PACKAGES = "sudo pacman -S cmake ninja rocm-hip-sdk\n"

BUILD = f"""\
# Clone whisper.cpp
cd ~/.voicemode/services
git clone {OLD_URL}
cd whisper.cpp

# Create build directory
mkdir build && cd build

# Configure with HIP backend for RDNA3
cmake .. \\
  -DGGML_HIP=ON \\
  -DAMDGPU_TARGETS="gfx1100;gfx1101;gfx1102" \\
  -DCMAKE_BUILD_TYPE=Release \\
  -DWHISPER_BUILD_SERVER=ON

# Build
make -j$(nproc)
"""

MODEL = """\
cd ~/.voicemode/services/whisper.cpp
./models/download-ggml-model.sh small.en
"""

PROXY_VENV = """\
cd ~/.voicemode/services
python -m venv whisper-proxy-venv
./whisper-proxy-venv/bin/pip install aiohttp
"""

SERVER_UNIT = """\
[Unit]
Description=VoiceMode Whisper STT Server (ROCm)
After=network.target

[Service]
Type=simple
ExecStart=%h/.voicemode/services/whisper.cpp/build/bin/whisper-server \\
    --model %h/.voicemode/services/whisper.cpp/models/ggml-small.en.bin \\
    --host 127.0.0.1 \\
    --port 2022
Restart=on-failure
RestartSec=5

[Install]
WantedBy=default.target
"""

PROXY_UNIT = """\
[Unit]
Description=VoiceMode Whisper OpenAI-Compatible Proxy
After=voicemode-whisper.service
Requires=voicemode-whisper.service

[Service]
Type=simple
ExecStart=%h/.voicemode/services/whisper-proxy-venv/bin/python %h/.voicemode/services/whisper-proxy.py
Restart=on-failure
RestartSec=5

[Install]
WantedBy=default.target
"""  # noqa: E501

START = """\
systemctl --user daemon-reload
systemctl --user enable voicemode-whisper.service voicemode-whisper-proxy.service
systemctl --user start voicemode-whisper.service voicemode-whisper-proxy.service
"""

PROFILE = """\
# VoiceMode: Use local Whisper with ROCm GPU
export VOICEMODE_STT_BASE_URLS="http://127.0.0.1:2023/v1"
"""

# What the guide takes for granted on a desktop: VoiceMode's directory, and tools that it has no
# line for. ccache is not among them, but CMake finds it and a second run of the tests is faster.
# A login keeps the user's services running there, on a box nobody is logged in.
BEFORE = """\
sudo pacman -Syu --noconfirm base-devel ccache git python
mkdir -p ~/.voicemode/services ~/.config/systemd/user
sudo loginctl enable-linger ada
"""

# The models of a box come from elsewhere: one more edit in a file that git tracks.
MODEL_URL = f"""\
sed -i 's|^src=.*|src="{SOURCES}"|; s|^pfx=.*|pfx="models/ggml"|' \
  ~/.voicemode/services/whisper.cpp/models/download-ggml-model.sh
"""

# A clone of what there was when VERSION was the newest, then with the remote that it had.
CLONE = f"""\
git clone -q --single-branch --branch {VERSION} {SOURCES}/git/whisper.cpp
git -C whisper.cpp checkout -q -B master
git -C whisper.cpp remote set-url origin {OLD_URL}
git -C whisper.cpp config remote.origin.fetch '+refs/heads/*:refs/remotes/origin/*'"""

REPLACED = {
    # pacman asks, and there is nobody to answer; there is no card either, nor its SDK.
    "pacman -S cmake ninja rocm-hip-sdk": "pacman -S --noconfirm cmake ninja",
    "-DGGML_HIP=ON": "-DGGML_HIP=OFF",
    # A box reaches nothing but the sources server.
    f"git clone {OLD_URL}": CLONE,
    # The boxes' one model.
    "small.en": "tiny.en",
}

# What the bench changed in its copy of the guide's proxy, and how the guide has it.
BENCH_MADE = {
    "import os\n": "",
    'os.environ["GUIDE_UPSTREAM"]': '"http://127.0.0.1:2022"',
    'int(os.environ["GUIDE_PORT"])': "2023",
}


def follow(box: Box) -> None:
    """Set a fresh box up as the guide says, as ada; both services run and answer."""
    for commands in (BEFORE, PACKAGES, BUILD, MODEL_URL, MODEL, PROXY_VENV):
        _run(box, commands)
    units = "/home/ada/.config/systemd/user"
    _write(box, "/home/ada/.voicemode/services/whisper-proxy.py", _proxy())
    _write(box, f"{units}/voicemode-whisper.service", SERVER_UNIT)
    _write(box, f"{units}/voicemode-whisper-proxy.service", PROXY_UNIT)
    _run(box, START)
    box.run("cat >> ~/.bashrc", input=PROFILE)
    box.run(
        "for port in 2022 2023; do curl -fsS --retry 20 --retry-delay 1 --retry-connrefused "
        "-o /dev/null http://127.0.0.1:$port/health; done"
    )


def _run(box: Box, commands: str) -> None:
    box.run("bash -e", input=_on_a_box(commands))


def _write(box: Box, path: str, text: str) -> None:
    box.run(f"cat > {path}", input=_on_a_box(text))


def _on_a_box(text: str) -> str:
    for said, done in REPLACED.items():
        text = text.replace(said, done)
    return text


def _proxy() -> str:
    """The guide's whisper-proxy.py: the bench's copy of it, less what the bench made of it."""
    text = (ROOT / "bench" / "guide_proxy.py").read_text()
    for made, said in BENCH_MADE.items():
        assert made in text
        text = text.replace(made, said)
    return text
