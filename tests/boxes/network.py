"""A network of the boxes' own: one bridge, and a namespace and a veth pair for each box.

The bridge gives the outer machine one address that every box sees, so that what
a box keeps (a git remote, pacman.conf) stays right in a snapshot. Boxes have no
default route: they reach the outer machine and each other, and nothing else.
Nothing is forwarded, and no interface but our own is touched.
"""

from __future__ import annotations

import hashlib
import ipaddress
import json
from collections.abc import Iterable, Iterator
from pathlib import Path

from .shell import BoxError, run
from .state import TAG

Network = ipaddress.IPv4Network

BRIDGE = TAG
GATEWAY = 1  # last byte of the outer machine's address
INDEXES = range(2, 255)  # last bytes for boxes


def candidates(tag: str) -> Iterator[Network]:
    """Networks to try, always the same for a tag.

    From 10.64.0.0/10 upwards: the low parts of 10/8 are where offices and VPNs
    live, 172.16/12 is Docker's, and 169.254/16 holds clouds' metadata services.
    """
    for attempt in range(64):
        digest = hashlib.sha256(f"{tag}/{attempt}".encode()).digest()
        yield Network(f"10.{64 + digest[0] % 190}.{digest[1]}.0/24")


def choose(tag: str, routed: Iterable[Network]) -> Network:
    """The first candidate that overlaps no network that this machine routes to."""
    taken = list(routed)
    for network in candidates(tag):
        if not any(network.overlaps(other) for other in taken):
            return network
    raise BoxError("no free network for the boxes: every candidate is routed already")


def current() -> Network | None:
    """The boxes' network while their bridge stands, otherwise None."""
    if not Path(f"/sys/class/net/{BRIDGE}").exists():
        return None
    for link in json.loads(run("ip", "-json", "-4", "address", "show", "dev", BRIDGE)):
        for address in link.get("addr_info", []):
            return Network(f"{address['local']}/{address['prefixlen']}", strict=False)
    return None


def address(index: int) -> str:
    """The address whose last byte is `index`, while the bridge stands."""
    network = current()
    if network is None:
        raise BoxError("the boxes' network is down: run `up`")
    return str(network[index])


def hardware_address(index: int) -> str:
    """A locally administered Ethernet address, always the same for a last byte.

    With another one after a restart, the outer machine would send a box's packets to the
    old one until its ARP entry expires: up to 40 seconds.
    """
    return f"02:73:74:74:00:{index:02x}"


def raise_bridge() -> None:
    """Make the bridge unless it stands."""
    if current():
        return
    drop_bridge()
    network = choose(TAG, _routed())
    mac = hardware_address(GATEWAY)
    run("ip", "link", "add", BRIDGE, "address", mac, "type", "bridge")
    run("ip", "link", "set", BRIDGE, "addrgenmode", "none")
    run("ip", "address", "add", f"{network[GATEWAY]}/{network.prefixlen}", "dev", BRIDGE)
    run("ip", "link", "set", BRIDGE, "up")


def drop_bridge() -> None:
    """Remove the bridge if it is there."""
    _drop_link(BRIDGE)


def namespace(index: int) -> str:
    """Name of a box's network namespace, and of its veth's outer end."""
    return f"{TAG}-{index}"


def attach(index: int) -> None:
    """Give a box its namespace, with `host0` in it and the other end on the bridge."""
    detach(index)
    name = namespace(index)
    network = current()
    assert network, "attach comes after raise_bridge"
    run("ip", "netns", "add", name)
    peer = ("peer", "name", "host0", "address", hardware_address(index), "netns", name)
    run("ip", "link", "add", name, "type", "veth", *peer)
    run("ip", "link", "set", name, "master", BRIDGE, "up")
    inside = ("ip", "-netns", name)
    run(*inside, "address", "add", f"{network[index]}/{network.prefixlen}", "dev", "host0")
    run(*inside, "link", "set", "host0", "up")
    run(*inside, "link", "set", "lo", "up")


def set_cable(index: int, plugged: bool) -> None:
    """Plug a box in, or unplug it: what it sends and is sent is dropped then, without a word."""
    run("ip", "link", "set", namespace(index), "up" if plugged else "down")


def detach(index: int) -> None:
    """Remove what `attach` made, as far as it is there."""
    _drop_link(namespace(index))
    if Path(f"/run/netns/{namespace(index)}").exists():
        run("ip", "netns", "delete", namespace(index))


def _drop_link(name: str) -> None:
    if Path(f"/sys/class/net/{name}").exists():
        run("ip", "link", "delete", name)


def _routed() -> list[Network]:
    """Every network in the routing table but the default route."""
    routes = json.loads(run("ip", "-json", "-4", "route", "show", "table", "all"))
    return [
        Network(route["dst"]) for route in routes if route["dst"] not in ("default", "0.0.0.0/0")
    ]
