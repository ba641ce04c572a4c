"""Certificates of a private CA, made on the host: their keys stay where they are made."""

from collections.abc import Generator, Sequence

from pyinfra import host
from pyinfra.api import QuoteString, StringCommand

from voicemode_whisper.core import certificate
from voicemode_whisper.core.certificate import DAYS, alternative_names, common_name, why_renewed
from voicemode_whisper.core.layout import Layout
from voicemode_whisper.facts.base import read_fact
from voicemode_whisper.facts.certificate import Certificate, HostNames
from voicemode_whisper.facts.files import Exists
from voicemode_whisper.operations.util.connection import operation
from voicemode_whisper.scripts import script


@operation()
def issued(layout: Layout, proxy_host: str, given: Sequence[str]) -> Generator[StringCommand]:
    """Have a certificate for the proxy, for all names by which clients call, with much life left.

    The proxy takes a new one by itself. The key and the CA stay.

    + layout: where things lie
    + proxy_host: the address at which the proxy listens
    + given: names of the operator's for this host, besides those that it knows itself
    """
    own: certificate.HostNames = read_fact(host, HostNames)
    names = certificate.wanted_names(own, proxy_host, given)
    found = read(layout)
    why = why_renewed(found, names)
    if not why:
        host.noop("the certificate is for all names, and has much life left")
        return
    if host.state.is_executing and read_fact(host, Exists, path=layout.certificate):
        host.log(f"the certificate is made anew: {why}")
    called = common_name(own.name)
    request = script("certificate-request", layout.certificate_key, called)
    sign = script(
        "sign-certificate",
        layout.tls,
        common_name(f"whisper CA {called}"),
        alternative_names(names),
        "serverAuth",
        str(DAYS),
    )
    put = script("put-certificate", layout.certificate, layout.certificate_key)
    yield StringCommand(request, "|", sign, "|", put)


@operation()
def announced(layout: Layout) -> Generator[StringCommand]:
    """Say what clients need, and by what they know that it is the right one; change nothing.

    + layout: where things lie
    """
    if host.state.is_executing:
        found = read(layout)
        if found.problem:
            host.log(f"the certificate cannot be used: {found.problem}")
        else:
            host.log(f"clients trust {layout.ca}, SHA-256 {found.ca_fingerprint} (docs/tls.md)")
    host.noop("only looked")
    yield from ()


@operation()
def absent(layout: Layout) -> Generator[StringCommand]:
    """Remove the CA, the certificate and their keys.

    + layout: where things lie
    """
    if not read_fact(host, Exists, path=layout.tls):
        host.noop("there is no CA")
        return
    yield StringCommand("rm -rf", QuoteString(layout.tls))


def read(layout: Layout) -> certificate.Certificate:
    """The certificate that the deploy makes, as it is now."""
    files = {"certificate": layout.certificate, "key": layout.certificate_key, "ca": layout.ca}
    found: certificate.Certificate = read_fact(host, Certificate, **files)
    return found
