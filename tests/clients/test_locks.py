"""What the lock files of the tests and of the deploy say."""

import json
from pathlib import Path

import pytest

from .installed import NODE, PROJECT

LOCKS = sorted((PROJECT / "requirements").glob("*.lock"))
NODE_LOCKS = [NODE / "package-lock.json", PROJECT / "tests" / "page" / "package-lock.json"]


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.stem)
def test_python_s_name_no_registry(lock: Path):
    assert "://" not in lock.read_text()


@pytest.mark.parametrize("lock", NODE_LOCKS, ids=lambda lock: lock.parent.name)
def test_node_s_has_a_hash_of_every_package_and_names_no_registry(lock: Path):
    found = json.loads(lock.read_text())["packages"]
    packages = [entry for name, entry in found.items() if name]
    assert packages
    assert all(entry["integrity"].startswith("sha512-") for entry in packages)
    assert not any("resolved" in entry for entry in packages)
