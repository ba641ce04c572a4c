"""Who is at the other end of a connection."""

import ipaddress

from aiohttp import web


def is_local(request: web.BaseRequest) -> bool:
    """Return whether a request comes from this machine itself, over loopback."""
    peer = request.transport.get_extra_info("peername") if request.transport else None
    if not peer:
        return False
    address = ipaddress.ip_address(str(peer[0]).partition("%")[0])
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return (mapped or address).is_loopback


def is_encrypted(request: web.BaseRequest) -> bool:
    """Return whether a request has come over TLS to this process."""
    return bool(request.transport and request.transport.get_extra_info("ssl_object"))


def has_certificate(request: web.BaseRequest) -> bool:
    """Return whether the client has shown a certificate, which is then of the clients' CA."""
    return bool(request.transport and request.transport.get_extra_info("peercert"))


def called_address(request: web.BaseRequest) -> str:
    """Return the address that the client has connected to; "" once it has gone."""
    called = request.transport.get_extra_info("sockname") if request.transport else None
    return str(called[0]).partition("%")[0] if called else ""
