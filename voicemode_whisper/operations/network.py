"""What the host looks like from outside."""

import re
import tempfile
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import requests
from pyinfra import host, logger
from pyinfra.api import StringCommand

from voicemode_whisper.core.layout import Layout
from voicemode_whisper.facts.base import read_fact
from voicemode_whisper.facts.certificate import CaText
from voicemode_whisper.operations.util.connection import operation


@operation()
def announce(url: str, layout: Layout | None = None) -> Generator[StringCommand]:
    """Say whether the machine that runs pyinfra reaches a service; change nothing.

    A service that others are to use may still be behind the host's own firewall, which CachyOS
    turns on by default. That is no failure of the deploy: this machine need not be one of them.

    + url: answers with a 2xx, as others would ask for it
    + layout: where the private CA lies of which its certificate is; None for a public one's
    """
    if host.state.is_executing:
        with _trusted(layout) as ca:
            problem = _problem(url, ca)
        if problem:
            line = f"{url} cannot be reached from here ({problem[0]}); {problem[1]}"
            host.log_styled(line, fg="yellow", log_func=logger.warning)
        else:
            host.log(f"{url} can be reached from here")
    host.noop("only looked")
    yield from ()


@contextmanager
def _trusted(layout: Layout | None) -> Iterator[str | bool]:
    """What requests is to trust: a file with the host's CA, or what this machine trusts."""
    text = read_fact(host, CaText, layout=layout) if layout else ""
    if not text:
        yield True
        return
    with tempfile.NamedTemporaryFile("w", suffix=".pem") as file:
        file.write(text)
        file.flush()
        yield file.name


def _problem(url: str, trusted: str | bool) -> tuple[str, str] | None:
    """Why `url` gives no 2xx within five seconds, and what may help; None if it does.

    It is on the network here: a proxy of this machine's is for what is not.
    """
    try:
        with requests.Session() as session:
            session.trust_env = False
            session.get(url, timeout=5, verify=trusted).raise_for_status()
    except requests.HTTPError as error:
        name = urlsplit(url).hostname
        return f"status {error.response.status_code}", f"if that is 403, add {name} to proxy_names"
    except requests.exceptions.SSLError as error:
        return _why_not_trusted(error), "docs/tls.md says how clients come to trust a certificate"
    except requests.RequestException as error:
        port = urlsplit(url).port
        opens = f"on the host `sudo ufw allow {port}/tcp` opens ufw, where that is in the way"
        return type(error).__name__, opens
    return None


def _why_not_trusted(error: requests.exceptions.SSLError) -> str:
    """What OpenSSL has against the certificate, out of the layers of what requests says."""
    found = re.search(r"certificate verify failed: ([^(]+?) \(_ssl", str(error))
    return f"certificate: {found[1]}" if found else "SSLError"
