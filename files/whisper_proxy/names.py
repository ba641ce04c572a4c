"""Which names and addresses are this service's own: what a Host header or a page's origin may say.

A page of the Internet can let its own name lead to 127.0.0.1 (DNS rebinding), and then counts as of
the same origin. But its name gives it away.
"""

import ipaddress
import re
import socket
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path

Address = IPv4Address | IPv6Address

# HOST[:PORT] of RFC 9110, section 7.2. An IPv6 address may have a zone, and in a URL's host it has
# no brackets.
AUTHORITY = re.compile(
    r"(?:\[([0-9a-f:.]+)(?:%[\w.%~-]+)?\]|([\w.-]+))(?::\d{0,5})?|((?:[0-9a-f.]*:){2,}[0-9a-f.]*)",
    re.ASCII,
)
# Lines of resolv.conf(5) with the domains in which short names are looked for.
SEARCH = ("search", "domain")


def name_of(authority: str) -> str | None:
    """Return the host of HOST[:PORT], in lower case and without zone and final dot.

    None if it is not of that form.
    """
    found = AUTHORITY.fullmatch(authority.lower())
    return found and (found[1] or found[2] or found[3]).removesuffix(".")


@dataclass(frozen=True)
class OwnNames:
    """The names of this service: loopback's, the host's, and those that were `given`.

    What the system says is asked for each time, as networks come and go; nothing waits for one.
    """

    given: frozenset[str] = frozenset()
    hosts: Path = Path("/etc/hosts")
    resolver: Path = Path("/etc/resolv.conf")

    def __contains__(self, name: str) -> bool:
        """Whether this name, as `name_of` returns it, is one of them."""
        if name in self.given or name == "localhost" or name.endswith(".localhost"):
            return True
        address = _address(name)
        return is_own_address(address) if address else name in self._of_the_host()

    def _of_the_host(self) -> frozenset[str]:
        files = (self.hosts, self.resolver)
        return _names(socket.gethostname().lower(), *files, tuple(map(_changed, files)))


def is_own_address(address: Address) -> bool:
    """Whether an address is one of this machine's; the unspecified one leads there too."""
    if address.is_loopback:
        return True
    # Only an address of one's own can be bound.
    family = socket.AF_INET if address.version == 4 else socket.AF_INET6
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.bind((str(address), 0))
    except OSError:
        return False
    return not address.is_multicast


def _address(name: str) -> Address | None:
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        return None
    return (address.ipv4_mapped if isinstance(address, IPv6Address) else None) or address


def _changed(file: Path) -> int:
    """Return when a file was changed, in nanoseconds; 0 if it cannot be read."""
    try:
        return file.stat().st_mtime_ns
    except OSError:
        return 0


@lru_cache(maxsize=1)  # who blocks advertisements has 100,000 lines in /etc/hosts
def _names(own: str, hosts: Path, resolver: Path, changed: tuple[int, ...]) -> frozenset[str]:
    """Return the names of the host called `own`, as the files say that were `changed` then."""
    short = own.partition(".")[0]
    domains = [found for word, *found in _words(resolver, SEARCH) if word in SEARCH]
    aliases = [names for _, *names in _words(hosts, (own,)) if own in names]
    return frozenset(
        {
            own,
            short,
            f"{short}.local",  # mDNS
            *(f"{short}.{domain.strip('.')}" for found in domains for domain in found),
            *(alias for names in aliases for alias in names),
        }
    )


def _words(file: Path, wanted: tuple[str, ...]) -> list[list[str]]:
    """Return the words of each line that has one of those wanted, without comments."""
    try:
        with file.open(errors="replace") as lines:
            found = [line.lower() for line in lines if any(x in line.lower() for x in wanted)]
    except OSError:
        return []
    return [words for line in found if (words := line.partition("#")[0].split())]
