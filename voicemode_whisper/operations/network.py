"""What the host looks like from outside."""

from collections.abc import Generator
from urllib.parse import urlsplit

import requests
from pyinfra import host, logger
from pyinfra.api import StringCommand

from voicemode_whisper.operations.util.connection import operation


@operation()
def announce(url: str) -> Generator[StringCommand]:
    """Say whether the machine that runs pyinfra reaches a service; change nothing.

    A service that others are to use may still be behind the host's own firewall, which CachyOS
    turns on by default. That is no failure of the deploy: this machine need not be one of them.

    + url: answers with a 2xx, as others would ask for it
    """
    if host.state.is_executing:
        problem = _problem(url)
        if problem:
            line = f"{url} cannot be reached from here ({problem[0]}); {problem[1]}"
            host.log_styled(line, fg="yellow", log_func=logger.warning)
        else:
            host.log(f"{url} can be reached from here")
    host.noop("only looked")
    yield from ()


def _problem(url: str) -> tuple[str, str] | None:
    """Why `url` gives no 2xx within five seconds, and what may help; None if it does.

    It is on the network here: a proxy of this machine's is for what is not.
    """
    try:
        with requests.Session() as session:
            session.trust_env = False
            session.get(url, timeout=5).raise_for_status()
    except requests.HTTPError as error:
        name = urlsplit(url).hostname
        return f"status {error.response.status_code}", f"if that is 403, add {name} to proxy_names"
    except requests.RequestException as error:
        port = urlsplit(url).port
        opens = f"on the host `sudo ufw allow {port}/tcp` opens ufw, where that is in the way"
        return type(error).__name__, opens
    return None
