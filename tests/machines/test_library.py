"""One stage alone, in a deploy of somebody else's."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.boxes import Box
from tests.machines.deploying import SERVICES, deployed, raise_boxes

DEPLOY = """
from pyinfra.operations import files
from voicemode_whisper.tasks import voicemode, whisper

files.directory(name="Something of my own", path="mine")
whisper.build()
voicemode.point()
"""


@pytest.fixture(scope="module")
def box(served: str) -> Iterator[Box]:
    with raise_boxes("library", base=served) as (serving,):
        yield serving


def test_a_deploy_elsewhere_takes_the_stages_that_it_wants(
    box: Box, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))
    (tmp_path / "my_deploy.py").write_text(DEPLOY)
    box.run("rm ~/.voicemode/voicemode.env")
    run = deployed(box, file="my_deploy.py", cwd=tmp_path, whisper_version="v1.7.5")
    assert run.changes == 5, "the directory, the checkout, the build, its test, VoiceMode"
    box.run(f"test -e {SERVICES}/whisper.cpp/builds/v1.7.5-*/manifest.json")
    assert "/builds/v1.9.1-" in box.run(f"realpath {SERVICES}/whisper.cpp/build").stdout
    assert deployed(box, file="my_deploy.py", cwd=tmp_path, whisper_version="v1.7.5").changes == 0
