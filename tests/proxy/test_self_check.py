"""The real ffmpeg and disks, or what stands in their place on machines where they are broken."""

import asyncio
import errno
import json
import os
import shutil
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest
from whisper_proxy import self_check
from whisper_proxy.self_check import Fault, SelfCheck, changed_packages, find_faults
from whisper_proxy.tones import TONES

NEEDED = ("ffmpeg", "ffprobe", "prlimit")


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory that is all of PATH, with what the proxy needs."""
    directory = tmp_path / "bin"
    directory.mkdir()
    for program in NEEDED:
        (directory / program).symlink_to(shutil.which(program) or "")
    monkeypatch.setenv("PATH", str(directory))
    return directory


def replace(program: Path, script: str, mode: int = 0o755) -> None:
    program.unlink()
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(mode)


async def decoder() -> str:
    """What is wrong with the decoder; nothing else is."""
    (fault,) = await find_faults()
    assert fault.part == "decoder"
    return fault.what


@pytest.mark.usefixtures("programs")
async def test_nothing_is_broken() -> None:
    assert await find_faults() == ()
    assert all(len(tone) < 2048 for tone in TONES.values())


async def test_an_ffmpeg_that_is_not_there(programs: Path) -> None:
    (programs / "ffmpeg").unlink()
    assert await decoder() == "ffmpeg is not installed"


async def test_half_of_the_package_is_not_enough(programs: Path) -> None:
    (programs / "ffprobe").unlink()
    assert await decoder() == "ffprobe is not installed"


async def test_an_ffmpeg_that_may_not_be_run(programs: Path) -> None:
    replace(programs / "ffmpeg", "exit 0", 0o644)
    assert await decoder() == (
        "ffmpeg cannot be run: prlimit: failed to execute ffmpeg: Permission denied"
    )


async def test_a_library_is_gone_after_half_an_upgrade(programs: Path) -> None:
    said = "ffmpeg: error while loading shared libraries: libx264.so.165: cannot open shared object"
    replace(programs / "ffmpeg", f"echo '{said}' >&2; exit 127")
    assert await decoder() == f"{programs}/ffmpeg cannot be run: {said}"


async def test_a_wrapper_that_fails(programs: Path) -> None:
    replace(programs / "ffmpeg", "echo 'snap-confine: permission denied' >&2; exit 1")
    assert await decoder() == (
        f"{programs}/ffmpeg does not decode MP3: snap-confine: permission denied"
    )


async def test_a_wrapper_that_does_nothing(programs: Path) -> None:
    replace(programs / "ffmpeg", "exit 0")
    assert await decoder() == f"{programs}/ffmpeg does not decode MP3: it writes no sound"


async def test_a_probe_that_finds_nothing(programs: Path) -> None:
    replace(programs / "ffprobe", "echo '{}'")
    assert await decoder() == f"{programs}/ffprobe does not decode AAC: it finds no sound"


async def test_an_ffmpeg_that_never_ends(programs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(self_check, "DECODER_SECONDS", 0.5)
    replace(programs / "ffmpeg", "while :; do :; done")
    assert (await decoder()).startswith(f"{programs}/ffmpeg does not end within")


@pytest.mark.parametrize("codec", ["opus", "aac"])
async def test_an_ffmpeg_without_a_decoder(programs: Path, codec: str) -> None:
    real = shutil.which("ffmpeg", path=os.defpath) or ""
    known = [name for name in ("mp3float", "mp3", "opus", "libopus", "aac") if codec not in name]
    replace(programs / "ffmpeg", f'exec {real} -codec_whitelist {",".join(known)} "$@"')
    said = (await decoder()).lower()
    assert said.startswith(f"{programs}/ffmpeg does not decode {codec}: ".lower())


@pytest.mark.usefixtures("programs")
@pytest.mark.parametrize(
    ("directory", "why"), [("/nowhere", "No such file or directory"), ("/proc/1/task", "")]
)
async def test_a_directory_that_keeps_nothing(
    monkeypatch: pytest.MonkeyPatch, directory: str, why: str
) -> None:
    monkeypatch.setenv("TMPDIR", directory)
    (fault,) = await find_faults()
    assert fault.part == "spool"
    assert fault.what.startswith(f"{directory}: {why}")


@pytest.mark.usefixtures("programs")
@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EROFS])
async def test_a_disk_that_takes_nothing(monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    """What the kernel says of a full disk, a quota, a read-only file system."""

    def full() -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(self_check, "open_file", full)
    monkeypatch.setenv("TMPDIR", "/var/spool")
    assert await find_faults() == (Fault("spool", f"/var/spool: {os.strerror(number)}"),)


async def test_it_is_tried_again_until_it_is_well(
    programs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("FIRST_SECONDS", "SECONDS_IF_BROKEN", "SECONDS_IF_SUSPECTED"):
        monkeypatch.setattr(self_check, name, 0.01)
    check = SelfCheck()
    running = asyncio.create_task(check.run())
    kept = programs / "kept"
    await asyncio.sleep(0.5)
    (programs / "ffmpeg").rename(kept)
    check.suspect()
    await until(check, ["decoder"])
    kept.rename(programs / "ffmpeg")
    await until(check, [])
    running.cancel()


async def until(check: SelfCheck, broken: list[str]) -> None:
    async with asyncio.timeout(20):
        while check.broken != broken:
            await asyncio.sleep(0.05)


def test_packages_that_are_not_as_they_were_installed() -> None:
    there = metadata.version("aiohttp")
    lock = (
        f"aiohttp=={there} \\\n    --hash=sha256:ab==\n# none==1\nYarl==0.0.1 \\\n"
        "no-such==1 \\\nof-others==1 ; python_version < '3' \\\n"
    )
    assert changed_packages(lock) == [
        f"Yarl {metadata.version('yarl')} instead of 0.0.1",
        "no-such missing instead of 1",
    ]


def test_the_report_is_a_line_of_json() -> None:
    command = [sys.executable, "-m", "whisper_proxy.self_check"]
    package = Path(self_check.__file__).parents[1]
    said = subprocess.run(command, cwd=package, check=True, capture_output=True, text=True).stdout
    report = json.loads(said)
    assert report["faults"] == []
    assert report["formats"] == ["MP3", "Opus", "AAC"]
    assert report["budget"] > report["largest"] > 2**29


async def test_a_gateway_needs_no_decoder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    assert await find_faults(decodes=False) == ()
