"""The paths that are served, and no others."""

from dataclasses import dataclass

from aiohttp import web
from aiohttp.typedefs import Handler

from . import realtime

# Any base address will do: with /v1, without it or with it twice, another service's (/openai/v1),
# one with a slash too many. It is what people get wrong most often.
BASE, SLASH = "/{base:(?:.*/)?}", "{slash:/*}"


@dataclass(frozen=True)
class Handlers:
    """What answers the paths that a gateway to a pool answers otherwise."""

    root: Handler
    health: Handler
    status: Handler
    metrics: Handler
    models: Handler
    model: Handler
    transcribe: Handler
    translate: Handler


def add_routes(router: web.UrlDispatcher, handlers: Handlers) -> None:
    """Add all paths."""
    router.add_get("/", handlers.root)
    router.add_get("/health", handlers.health)
    router.add_get("/status", handlers.status)
    router.add_get("/metrics", handlers.metrics)
    router.add_get(f"{BASE}models{SLASH}", handlers.models)
    router.add_get(f"{BASE}models/{{name:.+}}", handlers.model)
    router.add_post(f"{BASE}audio/transcriptions{SLASH}", handlers.transcribe)
    router.add_post(f"{BASE}audio/translations{SLASH}", handlers.translate)
    router.add_get(f"{BASE}realtime{SLASH}", realtime.realtime)
    router.add_post(f"{BASE}realtime/client_secrets{SLASH}", realtime.client_secret)
    router.add_post(f"{BASE}realtime/transcription_sessions{SLASH}", realtime.beta_session)
