import re
import shutil
import subprocess

import requests

from bench.processes import Launch, running
from tests.machines.timed_whisper import RECORDING, SOURCE
from tests.ports import free_port
from voicemode_whisper.core.placement import device_mismatch
from voicemode_whisper.core.speech import is_spoken


def test_it_answers_as_the_real_one_does_from_wherever_it_lies(tmp_path):
    program = tmp_path / "whisper-server"
    warnings = ("-Wall", "-Wextra", "-Werror", "-O1", "-pthread", "-DSECONDS=0.3")
    subprocess.run(["cc", *warnings, "-o", program, SOURCE], check=True)
    shutil.copy(RECORDING, tmp_path / "whisper-server.json")
    port = free_port()
    options = ("--model", "x", "--request-path", "(/secret|)", "--port", str(port), "-fa")
    with running(Launch((str(program), *options)), port, tmp_path):
        url = f"http://127.0.0.1:{port}"
        with requests.Session() as session:  # which has its connection open for the next
            assert session.get(f"{url}/health").json() == {"status": "ok"}
            answer = session.post(f"{url}/secret/inference", files={"file": bytes(1 << 20)})
    assert answer.elapsed.total_seconds() >= 0.3
    assert is_spoken(answer.json()["text"])


def test_its_log_is_that_of_one_on_the_cpu():
    log = re.findall(r'"(whisper_.*)\\n"', SOURCE.read_text())
    assert len(log) == 4
    assert device_mismatch(log, "cpu", None, None, None) is None
