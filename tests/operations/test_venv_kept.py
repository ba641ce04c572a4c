"""A virtual environment that is whole is not made again."""

from unittest.mock import patch

from pyinfra.context import ctx_host, ctx_state
from pyinfra_testing.util import FakeState, create_host

from voicemode_whisper.core.venv import Venv
from voicemode_whisper.operations import venv

PYTHON = "/usr/bin/python3.13"
WHOLE = Venv(complete=True, interpreter=PYTHON, version="3.13", packages=("3.13",), system=PYTHON)


def test_it_is_left():
    state = FakeState()
    facts = {"toolchain.Python": "3.13", "venv.Venv": {"path=/h/v-e1a88ef29604": WHOLE}}
    host = create_host(state, facts=facts)
    scripts = patch("voicemode_whisper.scripts._text", "{}.sh".format)
    with scripts, ctx_state.use(state), ctx_host.use(host):
        arguments = {"path": "/h/v", "lock": "/h/p/requirements.lock", "lock_sha256": "d" * 64}
        assert list(venv.locked._inner(**arguments)) == []
    assert host.noop_description == "/h/v-e1a88ef29604 is there"
