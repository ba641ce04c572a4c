"""What HAProxy is told of a pool; that it does it is shown in tests/proxy/test_pool_faults.py."""

import re
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from whisper_proxy import pool as proxy_side

from tests.proxy.haproxy import needs_haproxy, program
from voicemode_whisper.core.errors import UserError
from voicemode_whisper.core.pool import (
    MAX_DIRECTORY,
    Member,
    MemberState,
    Pool,
    Tls,
    drain_commands,
    haproxy_config,
    may_go_out,
    parse_member_states,
    ready_commands,
)
from voicemode_whisper.resources import TEMPLATES

TEMPLATE = (TEMPLATES / "haproxy.cfg.j2").read_text()
FAST = Member("fast.lan", "192.0.2.7", slots=2)
NEAR = Member("near", "127.0.0.1", 2033)
SIXTH = Member("sixth", "2001:db8::6")
POOL = Pool((FAST, NEAR, SIXTH), "/run/user/1000/pool")


def servers(pool: Pool) -> list[str]:
    return re.findall(r"^    server (.*)$", haproxy_config(pool, TEMPLATE), re.MULTILINE)


def problems(pool: Pool) -> tuple[str, ...]:
    with pytest.raises(UserError) as caught:
        haproxy_config(pool, TEMPLATE)
    return caught.value.lines


def test_each_member_is_there_when_it_is_well_as_a_last_resort_and_as_one_that_answers():
    assert servers(POOL) == [
        "fast.lan 192.0.2.7:2023 maxconn 2 check",
        "near 127.0.0.1:2033 maxconn 1 check",
        "sixth [2001:db8::6]:2023 maxconn 1 check",
        "fast.lan:degraded 192.0.2.7:2023 maxconn 2 backup track alive/fast.lan",
        "near:degraded 127.0.0.1:2033 maxconn 1 backup track alive/near",
        "sixth:degraded [2001:db8::6]:2023 maxconn 1 backup track alive/sixth",
        "fast.lan 192.0.2.7:2023 check",
        "near 127.0.0.1:2033 check",
        "sixth [2001:db8::6]:2023 check",
    ]


def test_all_but_loopback_is_encrypted_and_known_by_its_name():
    closed = replace(POOL, tls=Tls("/tls/ca.pem", "/tls/gateway.pem"))
    tls = " ssl verify required ca-file /tls/ca.pem verifyhost fast.lan sni str(fast.lan)"
    lines = servers(closed)
    assert lines[0].endswith(f" check{tls} check-sni fast.lan crt /tls/gateway.pem")
    assert [line for line in lines if "ssl" not in line] == [
        line for line in servers(POOL) if line.startswith("near")
    ]


def test_it_agrees_with_the_proxy():
    text = haproxy_config(POOL, TEMPLATE)
    for name in ("WAITED", "MEMBER", "SERVED", "TRIED"):
        assert getattr(proxy_side, f"{name}_HEADER") in text
    for name in (proxy_side.REQUESTS_SOCKET, proxy_side.RUNTIME_SOCKET):
        assert f"/run/user/1000/pool/{name}" in text
    assert f"fast.lan{proxy_side.DEGRADED_SUFFIX} " in text


def test_a_member_rests_as_both_that_it_is():
    assert drain_commands("a") == (
        "set server members/a state drain",
        "set server members/a:degraded state drain",
    )
    assert ready_commands("a")[0] == "set server members/a state ready"


@pytest.mark.parametrize(
    ("member", "line"),
    [
        (replace(FAST, name="a b"), "pool: member 'a b' has to have a name of letters, digits"),
        (replace(FAST, name="a:degraded"), "pool: member 'a:degraded' has to have a name of"),
        (replace(FAST, address="a\nb"), "pool: member 'fast.lan': got the address 'a\\nb'; give"),
        (replace(FAST, port=0), "pool: member 'fast.lan': got the port 0; give one from 1"),
        (replace(FAST, slots=65), "pool: member 'fast.lan': got 65 slots; give from 1 to 64"),
    ],
)
def test_a_member_that_cannot_be_is_a_line(member: Member, line: str):
    (problem,) = problems(replace(POOL, members=(member,)))
    assert problem.startswith(line)


def test_nobody_and_one_twice_are_no_pool():
    assert problems(replace(POOL, members=())) == (
        'pool: it has no members; name them in "servers" of the inventory',
    )
    assert problems(replace(POOL, members=(FAST, FAST))) == ("pool: 'fast.lan' is a member twice",)


def test_a_path_that_would_be_read_as_something_else_is_a_line():
    odd = replace(POOL, directory="/home/a b", tls=Tls("ca.pem", "/key\n"))
    assert [line.split(";")[0] for line in problems(odd)] == [
        f"pool: got the path {path!r}" for path in ("/home/a b", "ca.pem", "/key\n")
    ]
    long = replace(POOL, directory="/" + "x" * MAX_DIRECTORY)
    assert "leave room for the names of sockets" in problems(long)[0]


@needs_haproxy
@pytest.mark.parametrize("tls", [False, True], ids=["open", "tls"])
def test_haproxy_takes_it_without_a_warning(tmp_path: Path, tls: bool):
    pool = POOL
    if tls:
        certificate = tmp_path / "gateway.pem"
        _self_signed(certificate)
        pool = replace(POOL, tls=Tls(str(certificate), str(certificate)))
    config = tmp_path / "haproxy.cfg"
    config.write_text(haproxy_config(pool, TEMPLATE))
    done = subprocess.run(
        [program(), "-dD", "-c", "-q", "-f", str(config)], capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (0, "")


def _self_signed(file: Path):
    options = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=g")
    key = file.with_name(f"{file.name}.key")
    subprocess.run(
        ["openssl", "req", "-x509", *options, "-keyout", str(key), "-out", str(file)],
        check=True, capture_output=True,
    )  # fmt: skip


CSV = """\
# pxname,svname,qcur,qmax,scur,smax,slim,status
requests,FRONTEND,,,1,1,2000,OPEN
members,one,0,0,1,1,1,UP
members,two,0,0,0,1,1,DOWN 2/3
members,three,0,0,0,1,1,DRAIN
members,one:degraded,0,0,0,1,1,UP
members,two:degraded,0,0,2,1,1,UP
members,BACKEND,0,0,1,1,1,UP
alive,one,0,0,1,1,1,UP
"""


def test_what_haproxy_says_of_members_is_read():
    assert parse_member_states(CSV.splitlines()) == {
        "one": MemberState(is_up=True, running=1),
        "two": MemberState(running=2),
        "three": MemberState(rests=True),
    }
    assert parse_member_states([]) == {}


def test_a_member_goes_out_where_all_others_are_up():
    up, down = MemberState(is_up=True), MemberState()
    assert may_go_out("one", {"one": up, "two": up})
    assert may_go_out("one", {"one": down, "two": up})
    assert not may_go_out("one", {"one": up, "two": down})
    assert not may_go_out("one", {"two": up})
    assert not may_go_out("one", {})
