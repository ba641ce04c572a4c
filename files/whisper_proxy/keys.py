"""Typed keys of the values stored in the application and in a request."""

from aiohttp import web

from .admission import AdmissionQueue
from .api_key import ApiKey
from .client_secrets import ClientSecrets
from .connections import Connections
from .decode import Decoder
from .dispatch import Dispatcher
from .drain import InFlight
from .gpu_sensors import Sensors
from .idle import IdleStop
from .live_sessions import LiveSessions
from .metrics import CommonMetrics, Metrics, PoolMetrics
from .names import OwnNames
from .notify import Notifier
from .pool import Pool
from .pool_dispatch import PoolDispatcher
from .pool_monitor import PoolMonitor
from .realtime_work import Transcriber
from .self_check import SelfCheck
from .settings import Settings
from .spool import SpoolBudget
from .tls import Encryption
from .upstream_monitor import UpstreamMonitor

SETTINGS = web.AppKey("settings", Settings)
ENCRYPTION = web.AppKey("encryption", Encryption)  # not there where TLS is off
API_KEY = web.AppKey("api_key", ApiKey)
NOTIFIER = web.AppKey("notifier", Notifier)
OWN_NAMES = web.AppKey("own_names", OwnNames)
CONNECTIONS = web.AppKey("connections", Connections)
SPOOLS = web.AppKey("spools", SpoolBudget)
DECODER = web.AppKey("decoder", Decoder)
DISPATCH = web.AppKey("dispatch", Dispatcher)
ADMISSION = web.AppKey("admission", AdmissionQueue)
UPSTREAM_MONITOR = web.AppKey("upstream_monitor", UpstreamMonitor)
IDLE_STOP = web.AppKey("idle_stop", IdleStop)
SELF_CHECK = web.AppKey("self_check", SelfCheck)
GPU_SENSORS = web.AppKey("gpu_sensors", Sensors)  # not there where no GPU is known
METRICS = web.AppKey("metrics", CommonMetrics)
WHISPER_METRICS = web.AppKey("whisper_metrics", Metrics)
# Of a gateway to a pool, in the place of DECODER to UPSTREAM_MONITOR, and IDLE_STOP.
POOL = web.AppKey("pool", Pool)
POOL_DISPATCH = web.AppKey("pool_dispatch", PoolDispatcher)
POOL_METRICS = web.AppKey("pool_metrics", PoolMetrics)
POOL_MONITOR = web.AppKey("pool_monitor", PoolMonitor)
TRANSCRIBER = web.AppKey("transcriber", Transcriber)  # of live sessions
LIVE_SESSIONS = web.AppKey("live_sessions", LiveSessions)
CLIENT_SECRETS = web.AppKey("client_secrets", ClientSecrets)
IN_FLIGHT = web.AppKey("in_flight", InFlight)
REQUEST_ID = web.RequestKey("request_id", str)
# An error's code, where the answer is none of this proxy's own.
OUTCOME = web.RequestKey("outcome", str)
AUDIO_BYTES = web.RequestKey("audio_bytes", int)
# What a client secret says of the session for which it was made.
SECRET_SESSION = web.RequestKey("secret_session", object)
