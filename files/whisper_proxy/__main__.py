"""The command: `python -m whisper_proxy`."""

import argparse
import asyncio
import logging
import os
import sys
from collections.abc import Sequence
from dataclasses import fields

from . import __doc__ as about
from . import __version__
from .listen import listening_sockets
from .notify import Notifier
from .server import serve
from .settings import Settings, SettingsError, flag, former_flags, load, variable


def parser() -> argparse.ArgumentParser:
    """Return the parser. It leaves values as text: `settings.load` validates them."""
    result = argparse.ArgumentParser(
        prog="whisper_proxy",
        description=about,
        epilog="A flag wins over its environment variable.",
        allow_abbrev=False,
    )
    result.add_argument("--version", action="version", version=__version__)
    for setting in fields(Settings):
        default = "none" if setting.default in ("", ()) else setting.default
        text = f"{setting.metadata['help']} [{variable(setting)}; default: {default}]"
        flags = (flag(setting), *former_flags(setting))
        result.add_argument(*flags, metavar=setting.name.upper(), help=text)
    return result


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status: 2 for bad settings, 1 if it cannot listen."""
    flags = vars(parser().parse_args(arguments))
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(message)s")
    try:
        settings = load(flags, os.environ)
        listening = listening_sockets(settings.host, settings.port, os.environ)
    except SettingsError as error:
        return _fail(2, str(error))
    except OSError as error:
        return _fail(1, f"cannot listen: {error.strerror or error}")
    asyncio.run(serve(settings, listening, Notifier(os.environ)))
    return 0


def _fail(status: int, message: str) -> int:
    print(f"whisper_proxy: {message}", file=sys.stderr)
    return status


if __name__ == "__main__":
    sys.exit(main())
