import socket
from pathlib import Path

import pytest
from whisper_proxy.names import OwnNames, name_of

BOX = "box.example.org"


@pytest.fixture
def names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> OwnNames:
    """The names of a host called box.example.org."""
    monkeypatch.setattr(socket, "gethostname", lambda: "Box.example.org")
    hosts, resolver = tmp_path / "hosts", tmp_path / "resolv.conf"
    hosts.write_text("127.0.0.1 localhost\n127.0.1.1\tbox.example.org STT.lan # box2\n0.0.0.0 ads")
    resolver.write_text(
        "# search evil.example\nnameserver 192.0.2.1\nsearch fritz.box Tail.ts.net.\n"
    )
    return OwnNames(frozenset({"given.example"}), hosts, resolver)


@pytest.mark.parametrize(
    ("authority", "name"),
    [
        ("localhost:2023", "localhost"),
        ("Box.LAN.", "box.lan"),
        ("[::1]:2023", "::1"),
        ("[fe80::1%25eth0]", "fe80::1"),
        ("::1", "::1"),
        ("127.0.0.1:", "127.0.0.1"),
        ("a b", None),
        ("a@b", None),
        ("[::1", None),
        ("a:b", None),
        ("ä.example", None),
    ],
)
def test_the_name_in_an_authority(authority: str, name: str | None) -> None:
    assert name_of(authority) == name


@pytest.mark.parametrize(
    "name",
    ["given.example", BOX, "box", "box.local", "box.fritz.box", "box.tail.ts.net", "stt.lan"],
)
def test_the_names_of_the_host(names: OwnNames, name: str) -> None:
    assert name in names


@pytest.mark.parametrize(
    "name",
    [
        "box.evil.example",
        "box2",
        "ads",
        "other.fritz.box",
        "evil.example",
        "192.0.2.1",
        "224.0.0.1",
    ],
)
def test_the_names_of_others(names: OwnNames, name: str) -> None:
    assert name not in names


def test_a_network_that_changes_is_noticed(names: OwnNames) -> None:
    assert "box.cafe.example" not in names
    names.resolver.write_text("search cafe.example")
    assert "box.cafe.example" in names
    assert "box.fritz.box" not in names
    names.resolver.unlink()
    assert "box.cafe.example" not in names


def test_the_addresses_of_the_host() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # sends nothing
        except OSError:
            pytest.skip("this machine has no network")
        assert probe.getsockname()[0] in OwnNames()
