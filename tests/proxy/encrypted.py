"""A proxy as a process with TLS, and the CA that its clients are to trust."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from .certificates import Pair, authority, issued
from .processes import Proxy, proxy, whisper
from .samples import silence


@dataclass(frozen=True)
class Served:
    """A proxy with a certificate for localhost, and the CA that this is of."""

    proxy: Proxy
    ca: Pair
    speech: Path

    @property
    def url(self) -> str:
        return f"https://localhost:{self.proxy.port}/v1"


@contextmanager
def serving(folder: Path) -> Iterator[Served]:
    """Run one whose files lie in a folder; it may log nothing unexpected."""
    speech = folder / "speech.wav"
    speech.write_bytes(silence(1))
    ca = authority(folder)
    pair = issued(folder, ca, "server")
    flags = ["--tls-certificate", str(pair.certificate), "--tls-key", str(pair.key)]
    with whisper() as server, proxy(server.url, folder, flags) as running:
        yield Served(running, ca, speech)
        assert running.unexpected_lines() == []
