"""The guide's proxy without the 1 MiB that aiohttp allows a request by default.

It shows what the guide's code would cost where, as it stands, it refuses.
"""

import os

from aiohttp import web

from bench import guide_proxy

MAX_BYTES = 1024**3


def main() -> None:
    """Serve as the guide's proxy does, until ended."""
    app = web.Application(client_max_size=MAX_BYTES)
    app.router.add_post("/v1/audio/transcriptions", guide_proxy.transcriptions)
    web.run_app(app, host="127.0.0.1", port=int(os.environ["GUIDE_PORT"]))


if __name__ == "__main__":
    main()
