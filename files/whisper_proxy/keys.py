"""Where the application and a request keep their shared values."""

from aiohttp import web

from .decode import Decoder
from .dispatch import Dispatcher
from .drain import InFlight
from .metrics import Metrics
from .settings import Settings
from .turns import Turns
from .watch import Watch

SETTINGS = web.AppKey("settings", Settings)
DECODER = web.AppKey("decoder", Decoder)
DISPATCH = web.AppKey("dispatch", Dispatcher)
TURNS = web.AppKey("turns", Turns)
WATCH = web.AppKey("watch", Watch)
METRICS = web.AppKey("metrics", Metrics)
IN_FLIGHT = web.AppKey("in_flight", InFlight)
REQUEST_ID = web.RequestKey("request_id", str)
AUDIO_BYTES = web.RequestKey("audio_bytes", int)
