"""The proxy's certificate: which names it is for, when it is renewed, and what is wrong with it.

What it is like follows from what clients accept. Apple's take no server certificate for more than
825 days, none without serverAuth and none whose names stand in the common name alone
(support.apple.com/103769). The 398 days for public CAs do not bind those that a user has added
(support.apple.com/102028), and are kept to all the same. Python 3.13 and later verify strictly
(ssl.VERIFY_X509_STRICT): the CA's keyUsage, critical basicConstraints, and key identifiers in both.
"""

import ipaddress
import re
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime

DAY = 86400
# Of the proxy's certificate. It is renewed when less than half of it is left, so that a host which
# sees a run twice a year never shows one that has expired.
DAYS = 397
# The common name is for people alone, and may have 64 characters (RFC 5280, appendix A.1).
LONGEST_COMMON_NAME = 64
DNS_NAME = re.compile(r"[a-z0-9_]([a-z0-9_-]*[a-z0-9])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9])?)*")


@dataclass(frozen=True)
class HostNames:
    """A host's own name, domains in which it looks for short ones, and its lasting addresses."""

    name: str
    domains: tuple[str, ...] = ()
    addresses: tuple[str, ...] = ()

    to_json = asdict  # for `pyinfra … fact`


@dataclass(frozen=True)
class Certificate:
    """A certificate and its key, as the host sees them. Times are in seconds since 1970.

    `problem` is empty, or why they cannot be used, whatever the time. `now` is the host's clock. Of
    a private CA: `ca_ends`, and `ca_fingerprint`, which is its SHA-256.
    """

    problem: str
    now: int
    issuer: str = ""
    begins: int = 0
    ends: int = 0
    names: tuple[str, ...] = ()
    ca_ends: int | None = None
    ca_fingerprint: str = ""

    to_json = asdict  # for `pyinfra … fact`

    @property
    def last(self) -> int:
        """When it or its CA ends, whichever comes first."""
        return self.ends if self.ca_ends is None else min(self.ends, self.ca_ends)

    def covers(self, name: str) -> bool:
        """Whether a client that calls this name or address takes the certificate for it."""
        wanted = normal(name)
        _, _, parent = wanted.partition(".")
        return wanted in self.names or (bool(parent) and f"*.{parent}" in self.names)


def normal(name: str) -> str:
    """A name in lower case and without port, an address as it is usually written."""
    bare = re.sub(r"^\[(.*)\](:\d+)?$", r"\1", name.lower())
    if bare.count(":") == 1:
        bare = bare.partition(":")[0]
    try:
        return str(ipaddress.ip_address(bare))
    except ValueError:
        return bare.removesuffix(".")


def parse_host_names(lines: Iterable[str]) -> HostNames:
    """Read what host-names.sh prints; ValueError where that is something else."""
    found: dict[str, list[str]] = {"name": [], "domain": [], "address": []}
    for line in lines:
        kind, _, value = line.partition(" ")
        if kind not in found:
            raise ValueError(f"neither a name nor an address: {line!r}")
        found[kind].append(value)
    (name,) = found["name"]
    addresses = tuple(str(ipaddress.ip_address(one)) for one in found["address"])
    return HostNames(name, tuple(found["domain"]), addresses)


def parse_certificate(lines: Iterable[str]) -> Certificate:
    """Read what certificate.sh prints; ValueError or KeyError where that is something else."""
    found = dict(line.split(" ", 1) for line in lines)
    if "problem" in found:
        return Certificate(found["problem"], int(found["now"]))
    return Certificate(
        "",
        int(found["now"]),
        found["issuer"],
        int(found["begins"]),
        int(found["ends"]),
        tuple(map(_subject_name, found.get("names", "").split(", "))),
        int(found["ca_ends"]) if "ca_ends" in found else None,
        found.get("ca_fingerprint", ""),
    )


def _subject_name(text: str) -> str:
    """A name as openssl writes it: "DNS:stt.lan", "IP Address:FD00:0:0:0:0:0:0:2"."""
    return normal(text.partition(":")[2])


def wanted_names(host: HostNames, proxy_host: str, given: Sequence[str]) -> tuple[str, ...]:
    """All names and addresses by which clients may call, those on the host itself first.

    `given` are the operator's: from the inventory and proxy_names. Of the host's addresses all
    count where the proxy listens on all.
    """
    short = host.name.lower().partition(".")[0]
    domains = (domain.strip(".") for domain in host.domains)
    listens = ipaddress.ip_address(proxy_host)
    addresses = host.addresses if listens.is_unspecified else (proxy_host,)
    names = (
        *("localhost", "127.0.0.1", "::1", host.name, short, f"{short}.local"),
        *(f"{short}.{domain}" for domain in domains if domain),
        *given,
        *addresses,
    )
    return tuple(dict.fromkeys(name for name in map(normal, names) if is_name(name)))


def is_name(name: str) -> bool:
    """Whether a certificate can be for this."""
    return _is_address(name) or bool(DNS_NAME.fullmatch(name) and len(name) <= 253)


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def alternative_names(names: Iterable[str]) -> str:
    """The subjectAltName for these, as openssl reads it."""
    return ",".join(f"{'IP' if _is_address(name) else 'DNS'}:{name}" for name in names)


def common_name(name: str) -> str:
    """How a certificate is called, for people."""
    # A slash and a plus sign begin something else in openssl's -subj.
    return re.sub(r"[^A-Za-z0-9._ -]", "-", name)[:LONGEST_COMMON_NAME]


def why_renewed(found: Certificate, names: Iterable[str]) -> str:
    """Why a certificate that the deploy makes is to be made now; empty where it is to stay."""
    if found.problem:
        return found.problem
    if not found.begins <= found.now:
        return f"it is valid from {date(found.begins)} on, and the host's clock says before that"
    if 2 * (found.ends - found.now) < found.ends - found.begins:
        return f"it ends on {date(found.ends)}"
    missing = [name for name in names if not found.covers(name)]
    return f"it is not for {', '.join(missing)}" if missing else ""


def own_problem(found: Certificate) -> str:
    """Why a certificate of the operator's own cannot serve, and what mends it; else empty."""
    if found.problem:
        return f"but {found.problem}"
    if found.now < found.begins:
        clock = date(found.now)
        return f"which is valid from {date(found.begins)} on, and the host's clock says {clock}"
    if found.now >= found.ends:
        return f"which has expired on {date(found.ends)}; renew it"
    return ""


def date(seconds: int) -> str:
    """A day, for people."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d")
