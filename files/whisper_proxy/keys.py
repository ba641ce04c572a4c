"""Where the application and a request keep their shared values."""

from aiohttp import web

from .settings import Settings
from .upstream import Upstream

SETTINGS = web.AppKey("settings", Settings)
UPSTREAM = web.AppKey("upstream", Upstream)
REQUEST_ID = web.RequestKey("request_id", str)
AUDIO_BYTES = web.RequestKey("audio_bytes", int)
