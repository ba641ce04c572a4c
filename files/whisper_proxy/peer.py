"""Who is at the other end of a connection."""

import ipaddress

from aiohttp import web


def is_local(request: web.BaseRequest) -> bool:
    """Return whether a request comes from this machine itself."""
    return is_this_machine(_address(request, "peername"), called_address(request))


def is_this_machine(peer: str, called: str) -> bool:
    """Return whether a peer at this address, which has called that one, is this machine.

    It is on loopback, and where it calls the machine's own address it calls from the same: the
    kernel sends no answer to that over the network.
    """
    if not peer:
        return False
    address = ipaddress.ip_address(peer)
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return (mapped or address).is_loopback or peer == called


def is_encrypted(request: web.BaseRequest) -> bool:
    """Return whether a request has come over TLS to this process."""
    return bool(request.transport and request.transport.get_extra_info("ssl_object"))


def has_certificate(request: web.BaseRequest) -> bool:
    """Return whether the client has shown a certificate, which is then of the clients' CA."""
    return bool(request.transport and request.transport.get_extra_info("peercert"))


def called_address(request: web.BaseRequest) -> str:
    """Return the address that the client has connected to; "" once it has gone."""
    return _address(request, "sockname")


def _address(request: web.BaseRequest, which: str) -> str:
    found = request.transport.get_extra_info(which) if request.transport else None
    return str(found[0]).partition("%")[0] if found else ""
