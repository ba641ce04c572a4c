"""smoke-test.sh for real, with programs that only pretend to transcribe."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.facts.answers import program
from voicemode_whisper.core.acceptance import SmokeTest, parse_smoke_tests
from voicemode_whisper.scripts import words

SERVER = """
import os
import sys
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from socketserver import TCPServer

class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self.do_GET()
        self.wfile.write(b"And so")

memory = Path("kfd/proc", str(os.getpid()))
memory.mkdir()
(memory / "vram_1").write_text("17163091968")
TCPServer(("127.0.0.1", int(sys.argv[sys.argv.index("--port") + 1])), Handler).serve_forever()
"""


@pytest.fixture
def build(tmp_path: Path) -> Path:
    """A build whose programs hear what is in the recording, on a machine with a GPU."""
    (tmp_path / "kfd/proc").mkdir(parents=True)
    (tmp_path / "jfk.wav").touch()
    (tmp_path / "server.py").write_text(SERVER)
    (tmp_path / "build/bin").mkdir(parents=True)
    program(tmp_path / "build/bin", "whisper-cli", "echo ' And so'; echo loaded >&2")
    program(tmp_path / "build/bin", "whisper-server", f'exec {sys.executable} server.py "$@"')
    program(tmp_path / "bin", "python", f'exec {sys.executable} "$@"')
    return tmp_path / "build"


def smoke_test(build: Path, *programs: str) -> list[SmokeTest]:
    here = build.parent
    files = [here / name for name in ("build", "model.bin", "jfk.wav", "result", "kfd", "gpu")]
    subprocess.run(
        words("smoke-test", *map(str, files), *programs),
        cwd=here, check=True, env={**os.environ, "PATH": f"{here}/bin:{os.environ['PATH']}"},
    )  # fmt: skip
    return parse_smoke_tests((here / "result").read_text().splitlines())


def test_what_each_program_transcribed_and_logged_is_kept(build: Path):
    cli, server = smoke_test(build, "whisper-cli", "whisper-server")
    assert cli == SmokeTest("whisper-cli", 0, "And so", ("loaded",), processor=cli.processor)
    assert (server.program, server.status, server.transcript) == ("whisper-server", 0, "And so")


def test_nothing_is_run_after_one_that_did_not_end(build: Path):
    program(build / "bin", "whisper-cli", "exit 124")  # as timeout(1) does
    (test,) = smoke_test(build, "whisper-cli-cold", "whisper-server", "whisper-cli")
    assert (test.program, test.status) == ("whisper-cli-cold", 124)


def test_a_server_that_does_not_answer_is_ended(build: Path):
    program(build / "bin", "whisper-server", "exec sleep 60")
    program(build.parent / "bin", "timeout", "exit 124")  # all of its time is over
    (test,) = smoke_test(build, "whisper-server", "whisper-cli")
    assert (test.program, test.status, test.transcript) == ("whisper-server", 124, "")


def test_the_processor_time_of_each_run_is_kept(build: Path):
    spin = "import time\nwhile time.process_time() < 0.4: pass"
    program(build / "bin", "whisper-cli", f"{sys.executable} -c '{spin}'; echo --no-flash-attn")
    fa, nfa = smoke_test(build, "whisper-cli-fa", "whisper-cli-nfa")
    assert 350 <= fa.processor < 2000
    assert 350 <= nfa.processor < 2000, "of this run alone"


def test_the_gpu_memory_of_the_server_is_kept(build: Path):
    (server,) = smoke_test(build, "whisper-server")
    assert server.memory == 17163091968
    assert server.watts is None


def test_what_the_gpu_draws_with_the_model_loaded_is_kept(build: Path):
    """The files of a card that is not here, named and written as the kernel's are."""
    hwmon = build.parent / "gpu/hwmon/hwmon3"
    hwmon.mkdir(parents=True)
    (hwmon / "power1_average").write_text("70600000\n")
    cli, server = smoke_test(build, "whisper-cli", "whisper-server")
    assert (cli.watts, server.watts) == (None, 71)
    assert server.transcript == "And so"


def test_in_a_container_its_gpu_memory_is_not_known(build: Path):
    (build.parent / "kfd/proc/4194305").mkdir()  # more than a process can have
    (server,) = smoke_test(build, "whisper-server")
    assert server.memory is None


def test_a_program_that_dies_is_kept_with_its_status(build: Path):
    program(build / "bin", "whisper-server", "echo no kernel image >&2; exit 3")
    (server,) = smoke_test(build, "whisper-server")
    assert (server.status, server.log) == (3, ("no kernel image",))
