"""What /status tells beside /health: the generation, the limits, the GPU and the last hour."""

from pathlib import Path
from typing import Any

from aiohttp import web

from .decode import MAX_SECONDS
from .keys import GPU_SENSORS, METRICS, SETTINGS
from .settings import Settings
from .spool import MIB


async def details(app: web.Application) -> dict[str, Any]:
    """Return what /status has beside what /health has.

    generation: the number of the deploy's, null where it is none. english_only: whether the model
    knows no other language. max_bytes, max_seconds: of a recording. gpu: what the kernel measures
    of it (see `gpu_sensors`), null where no GPU is used, or it does not answer. last_hour: see
    `last_hour`.
    """
    settings = app[SETTINGS]
    sensors = app.get(GPU_SENSORS)
    return {
        "generation": generation(settings),
        "english_only": settings.english_only,
        "max_bytes": settings.max_upload * MIB,
        "max_seconds": MAX_SECONDS,
        "gpu": await sensors.read() if sensors else None,
        "last_hour": app[METRICS].last_hour.columns(),
    }


def generation(settings: Settings) -> int | None:
    """Return the number of the generation that serves; None if the deploy did not set this up.

    The link `current` leads to it, beside which the path of whisper-server's secret stands.
    """
    if not settings.upstream_path_file:
        return None
    directory = Path(settings.upstream_path_file).parent.resolve()
    is_one = directory.parent.name == "generations" and directory.name.isdecimal()
    return int(directory.name) if is_one else None
