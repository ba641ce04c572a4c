"""The command: `python -m whisper_proxy`."""

import argparse
import logging
import os
import sys
from collections.abc import Sequence
from dataclasses import fields

from aiohttp import web

from . import __doc__ as about
from . import __version__
from .app import create_app
from .settings import Settings, SettingsError, flag, load, variable

LOG = logging.getLogger("whisper_proxy")
# aiohttp gives requests in flight this long twice, then cuts them off; systemd kills after 90 s.
STOP_SECONDS = 40.0


def parser() -> argparse.ArgumentParser:
    """Return the parser. Values stay text here: `settings.load` checks them."""
    result = argparse.ArgumentParser(
        prog="whisper_proxy",
        description=about,
        epilog="A flag wins over its environment variable.",
        allow_abbrev=False,
    )
    result.add_argument("--version", action="version", version=__version__)
    for setting in fields(Settings):
        text = f"{setting.metadata['help']} [{variable(setting)}; default: {setting.default}]"
        result.add_argument(flag(setting), metavar=setting.name.upper(), help=text)
    return result


def serve(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT, then let requests in flight end. OSError: cannot listen."""
    web.run_app(
        create_app(settings),
        host=settings.host,
        port=settings.port,
        shutdown_timeout=STOP_SECONDS,
        access_log=None,  # the middleware writes it
        handler_cancellation=True,  # whisper-server drops the work of a client that has gone
        print=lambda _: LOG.info(
            "listening on %s port %d for %s",
            settings.host,
            settings.port,
            settings.upstream,
        ),
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status: 2 for bad settings, 1 if it cannot listen."""
    flags = vars(parser().parse_args(arguments))
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(message)s")
    try:
        serve(load(flags, os.environ))
    except SettingsError as error:
        return _fail(2, str(error))
    except OSError as error:
        return _fail(1, f"cannot listen: {error.strerror or error}")
    return 0


def _fail(status: int, message: str) -> int:
    print(f"whisper_proxy: {message}", file=sys.stderr)
    return status


if __name__ == "__main__":
    sys.exit(main())
