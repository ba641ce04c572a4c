"""Certificates, made by openssl: for which names, how long, and what a cut-off run leaves."""

import re
import shutil
import ssl
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.facts.answers import answer
from tests.operations.conftest import Apply, Failed
from tests.proxy.certificates import Pair, issued
from voicemode_whisper.core.certificate import Certificate, alternative_names, own_problem
from voicemode_whisper.core.layout import Layout
from voicemode_whisper.facts.certificate import Certificate as CertificateFact
from voicemode_whisper.facts.certificate import HostNames
from voicemode_whisper.operations import certificate
from voicemode_whisper.scripts import words

DAY = 86400
NAMES = "DNS:stt.lan,DNS:localhost,IP:127.0.0.1,IP:fd00::2"


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    return Layout(f"{tmp_path}/a home")


def issue(apply: Apply, layout: Layout, *given: str, proxy_host: str = "0.0.0.0") -> int:
    """How many commands it takes to have one for these names."""
    arguments = {"layout": layout, "proxy_host": proxy_host, "given": given}
    return apply(certificate.issued, **arguments)


def found(layout: Layout) -> Certificate:
    return seen(layout.certificate, layout.certificate_key, layout.ca)


def seen(certificate: str, key: str, ca: str = "") -> Certificate:
    result: Certificate = answer(CertificateFact, certificate=certificate, key=key, ca=ca)
    return result


def text(file: str | Path) -> str:
    command = ("openssl", "x509", "-noout", "-text", "-in", str(file))
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def run(name: str, *arguments: object, given: str = "") -> str:
    """What a script prints."""
    command = words(name, *map(str, arguments))
    done = subprocess.run(
        command, input=given, check=True, capture_output=True, text=True, timeout=20
    )
    return done.stdout


def sign(folder: Path, request: str, usage: str = "serverAuth") -> str:
    return run("sign-certificate", folder, "a CA", NAMES, usage, 397, given=request)


def expired(folder: Path, names: str) -> Pair:
    """One of the CA in this folder, which was valid once."""
    ca = Pair(folder / "ca.pem", folder / "ca.key")
    return issued(folder, ca, "old", names, days=-1)


def make(folder: Path) -> tuple[Path, Path]:
    """A certificate of a CA in this folder, and its key."""
    pem, key = folder / "server.pem", folder / "server.key"
    request = run("certificate-request", key, "stt.lan")
    run("put-certificate", pem, key, given=sign(folder, request))
    return pem, key


def test_a_certificate_is_made_once(apply: Apply, layout: Layout):
    assert issue(apply, layout, "stt.example.org:8443", "192.0.2.7") == 1
    one = found(layout)
    assert one.problem == ""
    assert {"stt.example.org", "192.0.2.7", "localhost", "127.0.0.1", "::1"} <= set(one.names)
    assert set(answer(HostNames).addresses) <= set(one.names)
    assert round((one.ends - one.begins) / DAY) == 397
    assert round((one.ca_ends - one.begins) / DAY) == 3650
    assert issue(apply, layout, "stt.example.org:8443", "192.0.2.7") == 0
    # Fewer names need no other.
    assert issue(apply, layout) == 0


def test_only_its_user_reads_the_keys(apply: Apply, layout: Layout):
    issue(apply, layout)
    modes = {path.name: path.stat().st_mode & 0o777 for path in Path(layout.tls).iterdir()}
    assert modes == {"ca.key": 0o600, "ca.pem": 0o644, "server.key": 0o600, "server.pem": 0o644}


def test_a_name_that_is_missing_makes_another_of_the_same_ca_and_key(apply: Apply, layout: Layout):
    issue(apply, layout)
    before, key = found(layout), Path(layout.certificate_key).read_text()
    assert issue(apply, layout, "new.lan") == 1
    after = found(layout)
    assert after.covers("new.lan")
    assert (after.ca_fingerprint, Path(layout.certificate_key).read_text()) == (
        before.ca_fingerprint,
        key,
    )
    serial = re.compile(r"Serial Number:\s+(\S+)")
    assert serial.findall(text(layout.certificate)) != serial.findall(text(layout.ca))


def test_one_that_has_expired_is_renewed(apply: Apply, layout: Layout):
    issue(apply, layout)
    before = found(layout)
    old = expired(Path(layout.tls), alternative_names(before.names))
    shutil.copy(old.certificate, layout.certificate)
    shutil.copy(old.key, layout.certificate_key)
    assert found(layout).ends < found(layout).now
    assert issue(apply, layout) == 1
    assert found(layout).ends >= before.ends


@pytest.mark.parametrize("lost", ["ca.key", "ca.pem", "server.key", "server.pem"])
def test_what_is_lost_is_made_again(apply: Apply, layout: Layout, lost: str):
    issue(apply, layout)
    before = found(layout)
    (Path(layout.tls) / lost).unlink()
    # Without its key a CA serves on, until something is to be signed.
    assert issue(apply, layout) == (0 if lost == "ca.key" else 1)
    assert issue(apply, layout) == 0
    same = found(layout).ca_fingerprint == before.ca_fingerprint
    assert same is (lost != "ca.pem")
    assert issue(apply, layout, "new.lan") == 1
    assert found(layout).problem == ""


def test_what_was_cut_off_is_made_again(apply: Apply, layout: Layout):
    folder = Path(layout.tls)
    folder.mkdir(parents=True)
    for name in ("ca.key", "ca.pem", "server.key", "server.pem"):
        (folder / f"{name}.new").write_text("-----BEGIN")
        (folder / name).write_text("")  # as a power cut may leave what was never synced
    assert issue(apply, layout) == 1
    assert found(layout).problem == ""
    assert sorted(path.name for path in folder.iterdir()) == [
        *("ca.key", "ca.pem", "server.key", "server.pem"),
    ]


def test_nothing_is_put_where_nothing_was_signed(tmp_path: Path):
    pem, key = make(tmp_path)
    before = pem.read_text()
    for given in ("", "junk", (tmp_path / "ca.pem").read_text()):
        with pytest.raises(subprocess.CalledProcessError) as caught:
            run("put-certificate", pem, key, given=given)
        assert "what was signed is no certificate for" in caught.value.stderr
    assert pem.read_text() == before
    with pytest.raises(subprocess.CalledProcessError) as caught:
        sign(tmp_path, "")
    assert "there is no request to sign" in caught.value.stderr


def test_a_directory_that_cannot_be_written_fails_in_openssl_s_words(apply: Apply, layout: Layout):
    Path(layout.tls).parent.mkdir(parents=True)
    Path(layout.tls).write_text("in the way")
    with pytest.raises(Failed, match="tls"):
        issue(apply, layout)


def test_what_clients_ask_of_a_certificate_is_there(tmp_path: Path):
    pem, _ = make(tmp_path)
    leaf, ca = text(pem), text(tmp_path / "ca.pem")
    for one in ("ASN1 OID: prime256v1", "TLS Web Server Authentication", "CA:FALSE"):
        assert one in leaf
    assert "Digital Signature\n" in leaf
    assert re.search(r"Basic Constraints: critical\s+CA:TRUE, pathlen:0", ca)
    assert re.search(r"Key Usage: critical\s+Certificate Sign, CRL Sign", ca)
    assert all("Subject Key Identifier" in one for one in (leaf, ca))
    assert "Authority Key Identifier" in leaf


def test_python_verifies_it_strictly(tmp_path: Path):
    """As 3.13 and later do by default."""
    pem, key = make(tmp_path)
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(pem, key)
    client = ssl.create_default_context(cafile=str(tmp_path / "ca.pem"))
    client.verify_flags |= ssl.VERIFY_X509_STRICT
    for name in ("stt.lan", "127.0.0.1", "fd00::2"):
        assert shake_hands(client, server, name)
    with pytest.raises(ssl.SSLCertVerificationError, match="Hostname mismatch"):
        shake_hands(client, server, "other.lan")


def shake_hands(client: ssl.SSLContext, server: ssl.SSLContext, name: str) -> bool:
    """Whether client and server agree, in memory."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    sides = [
        client.wrap_bio(to_client, to_server, server_hostname=name),
        server.wrap_bio(to_server, to_client, server_side=True),
    ]
    done: set[ssl.SSLObject] = set()
    for _ in range(5):
        for side in sides:
            try:
                side.do_handshake()
                done.add(side)
            except ssl.SSLWantReadError:
                pass
    return done == set(sides)


def test_a_client_s_certificate_is_another_use_of_the_same_scripts(tmp_path: Path):
    """A member's CA signs what the gateway asks for, or the other way round: text goes between."""
    request = run("certificate-request", tmp_path / "gateway" / "client.key", "gateway")
    signed = sign(tmp_path / "member", request, usage="clientAuth")
    run(
        "put-certificate",
        *(tmp_path / "gateway" / "client.pem", tmp_path / "gateway" / "client.key"),
        given=signed,
    )
    assert "TLS Web Client Authentication" in text(tmp_path / "gateway" / "client.pem")
    assert not (tmp_path / "member" / "client.key").exists()


def junk(pem: Path, key: Path) -> None:
    pem.write_text("junk")


def second_is_junk(pem: Path, key: Path) -> None:
    pem.write_text(
        pem.read_text() + "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
    )


def wrong_order(pem: Path, key: Path) -> None:
    pem.write_text(pem.read_text() * 2)


def without_names(pem: Path, key: Path) -> None:
    ca = pem.with_name("ca.pem")
    shutil.copy(ca, pem)
    shutil.copy(ca.with_suffix(".key"), key)


def encrypted(pem: Path, key: Path) -> None:
    command = ("openssl", "pkey", "-in", str(key), "-aes256", "-passout", "pass:x")
    key.write_bytes(subprocess.run(command, check=True, capture_output=True).stdout)


@pytest.mark.parametrize(
    ("spoil", "problem"),
    [
        (lambda pem, key: pem.unlink(), "server.pem is not there"),
        (lambda pem, key: key.unlink(), "server.key is not there"),
        (junk, "server.pem holds no certificate in PEM"),
        (lambda pem, key: key.write_text("junk"), "server.key holds no private key in PEM"),
        (encrypted, "server.key is encrypted with a password"),
        (lambda pem, key: shutil.copy(pem.with_name("ca.key"), key), "is not the key of"),
        (lambda pem, key: key.chmod(0o604), "server.key can be read by everybody: chmod o="),
        (second_is_junk, "server.pem holds something that is no certificate"),
        (wrong_order, "server.pem has its certificates in another order than"),
        (without_names, "names no host in its subjectAltName"),
    ],
)
def test_a_certificate_of_one_s_own_that_cannot_serve(
    tmp_path: Path, spoil: Callable[[Path, Path], object], problem: str
):
    pem, key = make(tmp_path)
    assert own_problem(seen(str(pem), str(key))) == ""
    spoil(pem, key)
    said = own_problem(seen(str(pem), str(key)))
    assert problem in said
    assert "\n" not in said


def test_a_chain_may_stand_behind_it(tmp_path: Path):
    pem, key = make(tmp_path)
    pem.write_text(pem.read_text() + (tmp_path / "ca.pem").read_text())
    assert seen(str(pem), str(key)).problem == ""


def test_a_certificate_of_another_ca_is_told(tmp_path: Path):
    pem, key = make(tmp_path / "one")
    make(tmp_path / "two")
    other = tmp_path / "two" / "ca.pem"
    assert seen(str(pem), str(key), str(other)).problem == f"{pem} is not of the CA in {other}"


def test_one_that_has_expired_is_read_all_the_same(tmp_path: Path):
    make(tmp_path)
    old = expired(tmp_path, NAMES)
    one = seen(str(old.certificate), str(old.key), str(tmp_path / "ca.pem"))
    assert (one.problem, one.ends < one.now) == ("", True)


def test_uninstalling_removes_it_all(apply: Apply, layout: Layout):
    issue(apply, layout)
    assert apply(certificate.absent, layout=layout) == 1
    assert not Path(layout.tls).exists()
    assert apply(certificate.absent, layout=layout) == 0
