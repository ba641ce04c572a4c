"""`.boxes/inventory.py`: the boxes that are up, for pyinfra."""

from __future__ import annotations

import pprint
from typing import Any

from . import model, network, server, ssh, whisper_git
from .state import STATE, records, write_whole
from .system import SOURCES

PATH = STATE / "inventory.py"


def write() -> None:
    """Write the inventory as the boxes are now."""
    hosts = {record.name: network.address(record.index) for record in records() if record.up}
    write_whole(PATH, text(hosts, _sources() if hosts else {}))


def text(addresses: dict[str, str], data: dict[str, Any]) -> str:
    """An inventory of one group, `boxes`, with these hosts and this group data."""
    hosts = [(name, {"ssh_hostname": address}) for name, address in addresses.items()]
    group = pprint.pformat((hosts, data), width=100, sort_dicts=False)
    return f'"""Written by `python -m tests.boxes`."""\n\nboxes = {group}\n'


def _sources() -> dict[str, Any]:
    """How to log in, and where the deploy's settings find local sources."""
    return {
        "ssh_user": ssh.USER,
        "ssh_key": str(ssh.KEY),
        "ssh_known_hosts_file": str(ssh.KNOWN_HOSTS),
        "ssh_strict_host_key_checking": "yes",
        "ssh_config_file": "/dev/null",
        "whisper_repo": f"{SOURCES}/git/{whisper_git.NAME}",
        "whisper_model": f"{SOURCES}/models/{model.NAME}",
        "model_sha256": model.sha256(server.models()),
    }
