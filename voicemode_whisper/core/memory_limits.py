"""How much memory the services may take: MemoryMax of their units, in bytes.

The figures are generous, so that no honest request is killed: they keep the machine alive when
something in a service goes wrong, or somebody wants it to.
"""

MIB = 2**20
GIB = 2**30

HOURS = 4  # the longest recording that the proxy passes on
SAMPLES = HOURS * 3600 * 16000
# What whisper-server holds of a recording: it as it came (2 bytes a sample), several times over,
# decoded (4), and its spectrogram (2 to 3). An hour took v1.9.1 with tiny.en 15 bytes a sample.
RECORDING = SAMPLES * 16
# Of the model: itself, and what is computed with it.
MODELS = 3
# Libraries and buffers of ROCm on the host's side; where graphics are integrated, this is theirs.
GPU = 2 * GIB
UNKNOWN_MODEL = 3 * GIB  # large-v3, the largest that there is

# Of a live session: ten minutes that are kept, twice over while they are sent, and a message.
LIVE_SESSIONS, LIVE = 8, 80 * MIB
# Python and aiohttp take 40; spools in memory, 1024 connections and the largest answers.
PROXY = 64 * MIB + 16 * MIB + 1024 * 384 * 1024 + 512 * MIB + LIVE_SESSIONS * LIVE
DECODERS, DECODER = 4, 512 * MIB  # ffmpeg, at worst; usually 60


def server_memory(model: int | None) -> int:
    """Return what whisper-server may take with a model of so many bytes, None if unknown."""
    return _whole(MODELS * (model or UNKNOWN_MODEL) + RECORDING + GPU)


def proxy_memory() -> int:
    """Return what the proxy and its decoders may take together."""
    return _whole(PROXY + DECODERS * DECODER)


def _whole(size: int) -> int:
    """Round up to half a gibibyte, so that it does not look more exact than it is."""
    half = GIB // 2
    return -(-size // half) * half
