"""A virtual environment that is whole is not made again."""

from tests.fake_hosts import FakeHost
from voicemode_whisper.core.venv import Venv
from voicemode_whisper.operations import venv

PYTHON = "/usr/bin/python3.13"
WHOLE = Venv(complete=True, interpreter=PYTHON, version="3.13", packages=("3.13",), system=PYTHON)


def test_it_is_left():
    facts = {"toolchain.Python": "3.13", "venv.Venv": {"path=/h/v-e1a88ef29604": WHOLE}}
    host = FakeHost(facts)
    arguments = {"path": "/h/v", "lock": "/h/p/requirements.lock", "lock_sha256": "d" * 64}
    assert host.commands(venv.locked, **arguments) == []
    assert host.host.noop_description == "/h/v-e1a88ef29604 is there"
