"""Whose program has a port, asked of this machine's kernel."""

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from whisper_proxy.listener import is_another_users

NOBODY = 65534
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can be two users")


@contextmanager
def as_nobody() -> Iterator[None]:
    """Be another user: what listens already is not this user's then."""
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


@contextmanager
def listening(address: str, family: int = socket.AF_INET) -> Iterator[int]:
    dual = family == socket.AF_INET6 and address == "::"
    with socket.create_server((address, 0), family=family, dualstack_ipv6=dual) as server:
        yield server.getsockname()[1]


@needs_root
@pytest.mark.parametrize(
    ("address", "family", "asked", "others"),
    [
        ("127.0.0.1", socket.AF_INET, "127.0.0.1", True),
        ("0.0.0.0", socket.AF_INET, "127.0.0.1", True),
        ("::", socket.AF_INET6, "127.0.0.1", True),
        ("::1", socket.AF_INET6, "[::1]", True),
        ("127.0.0.2", socket.AF_INET, "127.0.0.1", False),
        ("::1", socket.AF_INET6, "127.0.0.1", False),
    ],
)
def test_another_user_s_listener_is_known(address: str, family: int, asked: str, others: bool):
    with listening(address, family) as port:
        assert not is_another_users(f"http://{asked}:{port}")
        with as_nobody():
            assert is_another_users(f"http://{asked}:{port}") is others


def test_nobody_and_other_machines_are_no_other_user():
    with listening("127.0.0.1") as port:
        assert not is_another_users(f"http://localhost:{port}")
    assert not is_another_users(f"http://127.0.0.1:{port}")
    assert not is_another_users("http://192.0.2.1:80")
