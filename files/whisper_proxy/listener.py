"""Tells whose program listens at a port of this machine, where any user may.

The kernel says it to everybody: sock_diag(7), as ss(8) asks. /proc/net/tcp would take milliseconds,
as it goes through all connections too.
"""

import ipaddress
import os
import socket
import struct
from collections.abc import Iterator
from urllib.parse import urlsplit

NETLINK_SOCK_DIAG = 4
SOCK_DIAG_BY_FAMILY = 20
REQUEST_AND_DUMP = 0x301
DONE, ERROR = 3, 2
LISTENING = 1 << 10
# Linux's structures: nlmsghdr; inet_diag_req_v2 up to the source port, of 56 bytes in all;
# inet_diag_msg up to the source address, then up to the owner.
HEADER = struct.Struct("=IHHII")
QUERY = struct.Struct("=BBBxI2s46x")
ENTRY = struct.Struct("=4x2s2x16s40xI")
SECONDS = 1.0


def is_another_users(origin: str) -> bool:
    """Return whether what listens at an origin on loopback is run by another user.

    False where nobody listens, for another machine, and where the kernel does not say.
    """
    parts = urlsplit(origin)
    try:
        address = ipaddress.ip_address(parts.hostname or "")
        owners = set(_owners(address, parts.port or 80)) if address.is_loopback else set()
    except (OSError, ValueError, struct.error):
        return False
    return bool(owners - {os.geteuid()})


def _owners(address: ipaddress.IPv4Address | ipaddress.IPv6Address, port: int) -> Iterator[int]:
    """Yield the user ids of those that take connections to this address and port."""
    own = {address.packed.ljust(16, b"\0"), bytes(16)}
    if address.version == 4:
        yield from _listed(socket.AF_INET, own, port)
        own = {bytes(10) + b"\xff\xff" + address.packed, bytes(16)}
    yield from _listed(socket.AF_INET6, own, port)


def _listed(family: socket.AddressFamily, addresses: set[bytes], port: int) -> Iterator[int]:
    for local_port, local, owner in _dump(family, port.to_bytes(2)):
        if int.from_bytes(local_port) == port and local in addresses:
            yield owner


def _dump(family: socket.AddressFamily, port: bytes) -> Iterator[tuple[bytes, bytes, int]]:
    """Yield source port, address and owner of each listening socket, as the kernel writes them."""
    query = QUERY.pack(family, socket.IPPROTO_TCP, 0, LISTENING, port)
    head = HEADER.pack(HEADER.size + len(query), SOCK_DIAG_BY_FAMILY, REQUEST_AND_DUMP, 0, 0)
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_SOCK_DIAG) as kernel:
        kernel.settimeout(SECONDS)
        kernel.send(head + query)
        while True:
            answer = kernel.recv(65536)
            while answer:
                length, kind, *_ = HEADER.unpack_from(answer)
                if kind in (DONE, ERROR) or length < HEADER.size:
                    return
                yield ENTRY.unpack_from(answer, HEADER.size)
                answer = answer[(length + 3) & ~3 :]
