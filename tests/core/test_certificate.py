"""For which names a certificate is, and when it is renewed or refused."""

from dataclasses import replace

import pytest

from voicemode_whisper.core.certificate import (
    DAY,
    Certificate,
    HostNames,
    alternative_names,
    common_name,
    normal,
    own_problem,
    parse_certificate,
    parse_host_names,
    wanted_names,
    why_renewed,
)

NOW = 1_800_000_000
HOST = HostNames("Tower.lan", ("fritz.box", "."), ("192.168.1.5", "fd00::2"))
NAMES = ("localhost", "127.0.0.1", "::1", "tower.lan", "192.168.1.5")
GOOD = Certificate(
    "", NOW, "CN = a CA", NOW - 10 * DAY, NOW + 387 * DAY, NAMES, NOW + 3000 * DAY, "AB:CD"
)


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("STT.lan.", "stt.lan"),
        ("stt.lan:8443", "stt.lan"),
        ("[FD00::2]:2023", "fd00::2"),
        ("[::1]", "::1"),
        ("FD00:0:0:0:0:0:0:2", "fd00::2"),
        ("192.168.1.5:2023", "192.168.1.5"),
    ],
)
def test_names_are_written_in_one_way(written: str, name: str):
    assert normal(written) == name


def test_a_certificate_is_for_all_that_clients_call():
    names = wanted_names(HOST, "0.0.0.0", ["desktop.lan", "stt.example.org:443", "@ssh/x"])
    assert names == (
        *("localhost", "127.0.0.1", "::1", "tower.lan", "tower", "tower.local", "tower.fritz.box"),
        *("desktop.lan", "stt.example.org", "192.168.1.5", "fd00::2"),
    )


@pytest.mark.parametrize("address", ["192.168.1.5", "127.0.0.1"])
def test_where_it_listens_on_one_address_the_others_do_not_count(address: str):
    names = wanted_names(HOST, address, [])
    assert address in names
    assert "fd00::2" not in names


def test_names_and_addresses_are_told_apart():
    assert alternative_names(["stt.lan", "10.0.0.1", "::1"]) == "DNS:stt.lan,IP:10.0.0.1,IP:::1"


@pytest.mark.parametrize("name", ["a/CN=b", "a+b", "x" * 99])
def test_a_common_name_is_nothing_else_in_openssl_s_subject(name: str):
    made = common_name(name)
    assert len(made) <= 64
    assert not set(made) & set("/+=")


def test_what_the_scripts_print_is_read():
    assert parse_host_names(["name tower", "domain lan", "address FD00::2"]) == HostNames(
        "tower", ("lan",), ("fd00::2",)
    )
    found = parse_certificate(
        [
            f"now {NOW}",
            f"ca_ends {NOW + 9}",
            "ca_fingerprint AB:CD",
            "issuer CN = whisper CA",
            f"begins {NOW - 1}",
            f"ends {NOW + 8}",
            "names DNS:*.Tower.lan, IP Address:FD00:0:0:0:0:0:0:2",
        ]
    )
    assert found == Certificate(
        *("", NOW, "CN = whisper CA", NOW - 1, NOW + 8),
        *(("*.tower.lan", "fd00::2"), NOW + 9, "AB:CD"),
    )
    assert parse_certificate([f"now {NOW}", "problem /x is not there"]).problem == "/x is not there"


@pytest.mark.parametrize(
    ("name", "covered"),
    [
        ("Tower.lan", True),
        ("a.example.org", True),
        ("a.b.example.org", False),
        ("example.org", False),
        ("192.168.1.5", True),
        ("192.168.1.6", False),
    ],
)
def test_a_wildcard_is_for_one_label(name: str, covered: bool):
    assert replace(GOOD, names=(*NAMES, "*.example.org")).covers(name) is covered


def after(days: float) -> Certificate:
    """The certificate, so many days after it was made."""
    return replace(GOOD, now=int(GOOD.begins + days * DAY))


@pytest.mark.parametrize(
    ("found", "why"),
    [
        (GOOD, ""),
        (after(198), ""),
        (after(199), "it ends on 2028-02-06"),
        (after(400), "it ends on 2028-02-06"),
        (after(-1), "it is valid from 2027-01-05 on, and the host's clock says before that"),
        (Certificate("/x is not there", NOW), "/x is not there"),
    ],
)
def test_it_is_renewed_when_half_of_its_life_is_over(found: Certificate, why: str):
    assert why_renewed(found, NAMES) == why


def test_it_is_renewed_for_names_that_are_missing_alone():
    assert why_renewed(GOOD, [*NAMES, "a.lan", "b.lan"]) == "it is not for a.lan, b.lan"
    assert why_renewed(GOOD, NAMES[:2]) == ""


@pytest.mark.parametrize(
    ("found", "problem"),
    [
        (GOOD, ""),
        (after(396), ""),
        (after(397), "which has expired on 2028-02-06; renew it"),
        (after(-1), "which is valid from 2027-01-05 on, and the host's clock says 2027-01-04"),
        (Certificate("/x is not there", NOW), "but /x is not there"),
    ],
)
def test_one_s_own_is_refused_when_it_cannot_serve(found: Certificate, problem: str):
    assert own_problem(found) == problem
