"""How the server is started, as it stands in the files of the generation that serves."""

from pathlib import Path

import pytest

from tests.facts.answers import answer
from tests.generations import PYTHON, TOOLS, spec
from voicemode_whisper.core.comparison import ServerEnvironment
from voicemode_whisper.core.errors import UserError
from voicemode_whisper.core.layout import Layout
from voicemode_whisper.core.speed import Speed
from voicemode_whisper.facts.comparison import ServerEnv
from voicemode_whisper.unit_files import render

FAST = Speed("-fa", 200, 93, 480, one_queue=True)


def test_what_the_deploy_has_written_is_read(tmp_path: Path):
    layout = Layout(str(tmp_path))
    files = render(spec().resolve(TOOLS, PYTHON), 1, FAST, True).files
    Path(layout.current).mkdir(parents=True)
    Path(layout.current, "server.env").write_text(files["server.env"])
    variables = {
        "ROCM_PATH": "/opt/rocm",
        "ROCR_VISIBLE_DEVICES": "0",
        "OMP_THREAD_LIMIT": "1",
        "GPU_MAX_HW_QUEUES": "1",
    }
    assert answer(ServerEnv, layout=layout) == ServerEnvironment(variables, "-fa")


def test_one_that_lacks_what_is_read_is_named(tmp_path: Path):
    layout = Layout(str(tmp_path))
    Path(layout.current).mkdir(parents=True)
    Path(layout.current, "server.env").write_text("WHISPER_PORT=2022\n")
    with pytest.raises(UserError, match=r"^comparison\.ServerEnv: got 'WHISPER_PORT=2022', which"):
        answer(ServerEnv, layout=layout)
