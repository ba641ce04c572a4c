"""The proxy's certificate, and what it has to be for."""

from collections.abc import Iterable

from pyinfra.api import QuoteString, StringCommand

from voicemode_whisper.core import certificate
from voicemode_whisper.core.layout import Layout
from voicemode_whisper.facts.base import Fact
from voicemode_whisper.scripts import script


class HostNames(Fact[certificate.HostNames]):
    """The names and addresses of the host, as it knows them."""

    def command(self) -> StringCommand:
        return script("host-names")

    def process(self, output: Iterable[str]) -> certificate.HostNames:
        return certificate.parse_host_names(output)


class Certificate(Fact[certificate.Certificate]):
    """A certificate and its key, of files in PEM; `ca` is the private CA's, if it is of one.

    `use` is what it is for, as extendedKeyUsage of x509v3_config(5) has it.
    """

    def command(
        self, certificate: str, key: str, ca: str = "", use: str = "serverAuth"
    ) -> StringCommand:
        purpose = {"serverAuth": "sslserver", "clientAuth": "sslclient"}[use]
        return script("certificate", certificate, key, ca, purpose)

    def process(self, output: Iterable[str]) -> certificate.Certificate:
        return certificate.parse_certificate(output)


class CaText(Fact[str]):
    """The private CA's certificate in PEM, which is no secret; empty where there is none."""

    default = str

    def command(self, layout: Layout) -> StringCommand:
        return StringCommand("cat", QuoteString(layout.ca), "2>/dev/null || true")

    def process(self, output: Iterable[str]) -> str:
        return "\n".join(output) + "\n"
