"""Certificates of a private CA, this host's or a pool's: keys stay where they are made."""

from collections.abc import Generator, Sequence
from typing import Any

from pyinfra import host
from pyinfra.api import Host, QuoteString, StringCommand

from voicemode_whisper.core import certificate
from voicemode_whisper.core.certificate import DAYS, alternative_names, common_name, why_renewed
from voicemode_whisper.core.errors import UserError
from voicemode_whisper.core.layout import Layout
from voicemode_whisper.facts.base import read_fact
from voicemode_whisper.facts.certificate import CaText, Certificate, HostNames
from voicemode_whisper.facts.files import Exists
from voicemode_whisper.facts.machine import Identity
from voicemode_whisper.operations.util.connection import can_be_asked, operation
from voicemode_whisper.scripts import script, shell


@operation()
def issued(
    layout: Layout, proxy_host: str, given: Sequence[str], authority: Host | None = None
) -> Generator[StringCommand]:
    """Have a certificate for the proxy, for all names by which clients call, with much life left.

    The proxy takes a new one by itself. The key and the CA stay.

    + layout: where things lie
    + proxy_host: the address at which the proxy listens
    + given: names of the operator's for this host, besides those that it knows itself
    + authority: the host whose CA signs; None for this one
    """
    own: certificate.HostNames = read_fact(host, HostNames)
    names = certificate.wanted_names(own, proxy_host, given)
    yield from _issued(
        layout, layout.certificate, layout.certificate_key, own, names, "serverAuth", authority
    )


@operation()
def shown(layout: Layout, authority: Host | None = None) -> Generator[StringCommand]:
    """Have a certificate by which a pool's members know this gateway.

    + layout: where things lie
    + authority: the host whose CA signs; None for this one
    """
    own: certificate.HostNames = read_fact(host, HostNames)
    names = (certificate.normal(own.name),)
    path = layout.pool_certificate
    yield from _issued(layout, path, f"{path}.key", own, names, "clientAuth", authority)


def _issued(
    layout: Layout,
    path: str,
    key: str,
    own: certificate.HostNames,
    names: Sequence[str],
    use: str,
    authority: Host | None,
) -> Generator[StringCommand]:
    """Have the certificate `path` with this key, for these names and this use."""
    found = read(layout, path, key, use)
    why = why_renewed(found, names) or _why_foreign(layout, authority)
    if not why:
        host.noop("the certificate is for all names, and has much life left")
        return
    if host.state.is_executing and read_fact(host, Exists, path=path):
        host.log(f"the certificate is made anew: {why}")
    request = script("certificate-request", key, common_name(own.name))
    put = script("put-certificate", path, key)
    if authority is None or not host.state.is_executing:
        yield StringCommand(request, "|", _sign(layout, own.name, names, use), "|", put)
        return
    asked = _said(host, request)
    signed = _said(authority, _sign(_layout(authority), authority.name, names, use), asked)
    yield script("write", layout.ca, _ca(authority))
    yield StringCommand("printf '%s\\n'", *map(QuoteString, signed), "|", put)


def _sign(layout: Layout, called: str, names: Sequence[str], use: str) -> StringCommand:
    ca = common_name(f"whisper CA {called}")
    return script("sign-certificate", layout.tls, ca, alternative_names(names), use, str(DAYS))


def _why_foreign(layout: Layout, authority: Host | None) -> str:
    """Why the CA that is trusted here is not the one that signs; empty where it is, or is away."""
    if authority is None or not can_be_asked(authority):
        return ""
    theirs = _ca(authority)
    return "" if theirs == read_fact(host, CaText, layout=layout) else "the pool has another CA"


def _ca(authority: Host) -> str:
    text: str = read_fact(authority, CaText, layout=_layout(authority))
    return text


def _layout(other: Host) -> Layout:
    identity: dict[str, Any] = read_fact(other, Identity) or {}
    return Layout(identity["home"])


def _said(where: Host, command: StringCommand, given: Sequence[str] = ()) -> list[str]:
    """What a command prints; UserError where it fails, or the host cannot be asked."""
    if not can_be_asked(where):
        raise UserError(f"certificate: {where.name}, which signs for the pool, cannot be asked")
    done, output = shell.run(where, command, _stdin=list(given) or None)
    if not done:
        reason = output.stderr_lines[-1] if output.stderr_lines else "it says nothing"
        raise UserError(f"certificate: {where.name} does not sign or ask: {reason}")
    return output.stdout_lines


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


def read(
    layout: Layout, path: str = "", key: str = "", use: str = "serverAuth"
) -> certificate.Certificate:
    """A certificate of the private CA as it is now; unless others are given, the proxy's."""
    found: certificate.Certificate = read_fact(
        host,
        Certificate,
        certificate=path or layout.certificate,
        key=key or layout.certificate_key,
        ca=layout.ca,
        use=use,
    )
    return found
