"""What the lock files of the tests and of the deploy say."""

import json
from pathlib import Path

import pytest

from .installed import NODE, PROJECT

LOCKS = sorted((PROJECT / "requirements").glob("*.lock"))
NODE_LOCK = json.loads((NODE / "package-lock.json").read_text())


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.stem)
def test_python_s_name_no_registry(lock: Path):
    assert "://" not in lock.read_text()


def test_node_s_has_a_hash_of_every_package_and_names_no_registry():
    packages = [entry for name, entry in NODE_LOCK["packages"].items() if name]
    assert packages
    assert all(entry["integrity"].startswith("sha512-") for entry in packages)
    assert not any("resolved" in entry for entry in packages)
