"""Certificates made by openssl: authorities, servers' and clients', good and bad ones."""

import subprocess
from dataclasses import dataclass
from pathlib import Path

CURVE = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
NAMES = "DNS:localhost,DNS:stt.test,IP:127.0.0.1"


@dataclass(frozen=True)
class Pair:
    """A certificate and its key, as files."""

    certificate: Path
    key: Path


def authority(folder: Path, name: str = "ca") -> Pair:
    """Make a CA."""
    made = Pair(folder / f"{name}.pem", folder / f"{name}.key")
    usage = ("basicConstraints=critical,CA:TRUE,pathlen:0", "keyUsage=critical,keyCertSign")
    _openssl(
        *("req", "-x509", *CURVE, "-subj", f"/CN={name}", "-days", "2"),
        *(word for one in usage for word in ("-addext", one)),
        *("-keyout", made.key, "-out", made.certificate),
    )
    return made


def issued(
    folder: Path, ca: Pair, name: str, names: str = NAMES, usage: str = "serverAuth", days: int = 1
) -> Pair:
    """Make a certificate of a CA; one for less than no days has expired."""
    made, request = Pair(folder / f"{name}.pem", folder / f"{name}.key"), folder / f"{name}.csr"
    _openssl("req", "-new", *CURVE, "-subj", f"/CN={name}", "-keyout", made.key, "-out", request)
    extensions = folder / f"{name}.ext"
    extensions.write_text(f"subjectAltName={names}\nextendedKeyUsage={usage}\n")
    _openssl(
        *("x509", "-req", "-in", request, "-CA", ca.certificate, "-CAkey", ca.key),
        *(*_validity(days), "-extfile", extensions, "-out", made.certificate),
    )
    return made


def _validity(days: int) -> tuple[object, ...]:
    """From openssl 3.4 on no certificate may end before it begins, and one may begin long ago."""
    known = subprocess.run(("openssl", "x509", "-help"), capture_output=True, text=True).stderr
    if days < 0 and "-not_after" in known:
        return ("-not_before", "20200101000000Z", "-not_after", "20200102000000Z")
    return ("-days", days)


def with_password(key: Path, target: Path) -> None:
    """Encrypt a key."""
    _openssl("pkey", "-in", key, "-aes256", "-passout", "pass:x", "-out", target)


def _openssl(*arguments: object) -> None:
    command = ["openssl", *map(str, arguments)]
    subprocess.run(command, check=True, capture_output=True, timeout=20)
