"""Why the GPU is not used, asked of the host."""

from collections.abc import Sequence

from pyinfra import host

from voicemode_whisper.core.build import changed_packages
from voicemode_whisper.core.diagnosis import Finding, Subject, diagnose
from voicemode_whisper.core.gpu import Gpu
from voicemode_whisper.core.layout import SERVER_UNIT, Layout
from voicemode_whisper.core.toolchain import Toolchain
from voicemode_whisper.core.vulkan import choose_device
from voicemode_whisper.facts.base import read_fact
from voicemode_whisper.facts.build import Manifest
from voicemode_whisper.facts.device_access import ConnectionDeviceAccess, UnitDeviceAccess
from voicemode_whisper.facts.machine import UserName
from voicemode_whisper.facts.user_unit import UnitState
from voicemode_whisper.operations.util.generations import read_toolchain


def why_not_here(log: Sequence[str], backend: str, gpu: Gpu) -> Finding | None:
    """Why a program that this connection started, with this log, does not use the GPU."""
    user = read_fact(host, UserName) or ""
    access = read_fact(host, ConnectionDeviceAccess, user=user)
    return diagnose(log, access, _subject(backend, gpu, read_toolchain(backend, gpu)), user)


def why_not_in_service(
    log: Sequence[str], backend: str, gpu: Gpu, layout: Layout, server: UnitState
) -> Finding | None:
    """Why whisper-server, with this log and this unit, does not use the GPU."""
    user = read_fact(host, UserName) or ""
    access = read_fact(host, UnitDeviceAccess, user=user, unit=SERVER_UNIT, pid=server.pid)
    manifest = read_fact(host, Manifest, path=layout.build) or {}
    tools = read_toolchain(backend, gpu)
    changed = changed_packages(manifest, tools.versions)
    return diagnose(log, access, _subject(backend, gpu, tools), user, changed)


def _subject(backend: str, gpu: Gpu, tools: Toolchain) -> Subject:
    return Subject(backend, gpu, tools.icd, choose_device(tools.devices, gpu))
