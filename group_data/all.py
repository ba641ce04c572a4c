"""Every setting of the deploy, with its default.

Change a default here, override it for one host or group in inventory.py, or for one run:
    pyinfra inventory.py deploy.py --data whisper_model=medium.en
"""

from os import environ

# --- whisper.cpp ---------------------------------------------------------------------------------
# "latest" release, looked up at every run, so that running again upgrades; or a tag (v1.9.1, not
# 1.9.1), a branch or a full commit id to stay at.
whisper_version = "latest"
# Releases that "latest" skips, and why.
whisper_known_defects = {"v1.9.2": "compiles HIP with unsafe maths, fixed in v1.9.3"}
# Where whisper.cpp is cloned from: an http:// or https:// URL. Credentials in it, or in a model's
# URL, are shown nowhere: `f"https://{environ['TOKEN']}@host/whisper.cpp"`.
whisper_repo = "https://github.com/ggml-org/whisper.cpp"
# "hip" (ROCm) or "vulkan" uses the AMD GPU, "cpu" does not; "auto" takes what suits the GPU that is
# found, "fastest" builds both, times them on it and serves with the faster.
whisper_backend = "auto"
# What is installed of ROCm: "rocm-hip-sdk", or "minimal", the parts that whisper.cpp needs.
rocm_packages = "rocm-hip-sdk"
# GPU architectures to build for: "auto" is the card's own, or a list such as "gfx1100;gfx1101".
gpu_targets = "auto"
# Where the kernel shows AMD GPUs, and who uses them; another place is for tests without a card.
gpu_kfd = "/sys/class/kfd/kfd"
# Where the kernel shows what is on the PCI bus; another place is for tests without a card.
gpu_pci = "/sys/bus/pci/devices"
# Whether Vulkan may be llvmpipe's, which is the CPU, for tests without a card: yes or no.
gpu_software = "no"

# --- Model ---------------------------------------------------------------------------------------
# A name such as small.en or large-v3-turbo, or a ggml file of your own: a URL, or a path on the
# host.
whisper_model = "small.en"
# SHA-256 of a model given by URL or path; named models carry their own.
model_sha256 = ""
# Where the named models are downloaded from, as MODEL_SOURCE/ggml-NAME.bin.
model_source = (
    "https://huggingface.co/ggerganov/whisper.cpp/resolve/5359861c739e955e79d9a303bcbc70fb988958b1"
)

# --- Services ------------------------------------------------------------------------------------
# Port of whisper-server, on 127.0.0.1 only.
whisper_port = 2022
# Address of the OpenAI-compatible proxy; 0.0.0.0 lets other machines use it.
proxy_host = "127.0.0.1"
# Port of the proxy.
proxy_port = 2023
# A file on the host with the key that clients of the proxy must send; empty: they need none.
proxy_api_key_file = ""
# Whether other machines call over HTTPS: "off"; "internal", with a CA that is made on the host; or
# paths on the host, "/CERTIFICATE.pem /KEY.pem", of a certificate with its chain and of its key.
proxy_tls = "off"
# Web pages and apps that may use the proxy from a browser, besides the host's own: origins such as
# "https://chat.lan app://obsidian.md", or "*".
proxy_cors_origins = ""
# Names under which clients reach the proxy, besides the host's own: behind a reverse proxy, say.
proxy_names = ""
# Whether browsers get a page at the proxy's address, to transcribe with and to see how the machine
# is: yes or no.
proxy_page = "yes"
# After what time without requests whisper-server is stopped, which frees the GPU and its memory:
# 15min, 90s, 1h30min, from 10s on; the next request starts it, and waits. "never" keeps it running.
idle_stop = "never"
# Where Home Assistant finds the machine, by the Wyoming protocol: "off", or an address and a port:
# 127.0.0.1:10300, or 0.0.0.0:10300 for other machines, which need no key there.
wyoming = "off"

# --- Pool ----------------------------------------------------------------------------------------
# Address of the pool on its gateways, the hosts of the inventory's group "pool".
pool_host = "0.0.0.0"
# Port of the pool on its gateways.
pool_port = 2024
# Port on 127.0.0.1 of a gateway at which HAProxy shows its statistics.
pool_stats_port = 2025
# Name or address at which the gateways reach a member; empty: its name in the inventory.
pool_address = ""

# --- Upgrade -------------------------------------------------------------------------------------
# When the machine upgrades whisper.cpp by itself: "never", or as systemd's timers take it: daily,
# "Sun 04:00" (systemd.time(7)).
upgrade_timer = "never"
# What tells you where that failed: a shell command on the host, which has what happened on its
# standard input, such as "mail -s whisper ada"; empty: the journal and the doctor alone.
notify_command = ""
# Whether nobody is there to become root, as in the timer's own runs: yes or no. What needs root is
# left as it is then, and said.
unattended = "no"
# Whether to try a rejected generation again, and to follow a tag that was moved: yes or no.
retry = "no"

# --- Compare -------------------------------------------------------------------------------------
# What tasks/compare.py times: names of models, or ggml files of your own as URL#sha256=SHA256 or
# PATH#sha256=SHA256.
models = "base.en small.en medium.en large-v3-turbo"
# Whether what tasks/compare.py downloads stays, for a deploy with one of them: yes or no.
compare_keep = "no"

# --- Uninstall -----------------------------------------------------------------------------------
# Whether tasks/uninstall.py removes the models too: yes or no.
uninstall_models = "no"

# --- Doctor --------------------------------------------------------------------------------------
# What tasks/doctor.py reads of the model: "quick", a sample of its blocks; "full", all of it.
doctor = "quick"

# --- Access --------------------------------------------------------------------------------------
# The sudo password, for runs without a terminal. In a terminal leave it unset: pyinfra asks.
_sudo_password = environ.get("PYINFRA_SUDO_PASSWORD")
