"""Why the GPU is not used, asked of the host."""

from collections.abc import Sequence

from pyinfra import host

from voicemode_whisper.core.build import BACKEND_PACKAGES, changed_packages, vulkan_driver
from voicemode_whisper.core.diagnosis import Finding, Subject, diagnose
from voicemode_whisper.core.gpu import Gpu
from voicemode_whisper.core.layout import SERVER_UNIT, Layout
from voicemode_whisper.core.toolchain import Toolchain
from voicemode_whisper.core.vulkan import choose_device
from voicemode_whisper.facts import toolchain
from voicemode_whisper.facts.base import read_fact
from voicemode_whisper.facts.build import Manifest
from voicemode_whisper.facts.device_access import ConnectionDeviceAccess, UnitDeviceAccess
from voicemode_whisper.facts.machine import UserName
from voicemode_whisper.facts.user_unit import UnitState


def why_not_here(log: Sequence[str], backend: str, gpu: Gpu) -> Finding | None:
    """Why a program that this connection started, with this log, does not use the GPU."""
    user = read_fact(host, UserName) or ""
    access = read_fact(host, ConnectionDeviceAccess, user=user)
    return diagnose(log, access, _subject(backend, gpu, _tools(backend, gpu)), user)


def why_not_in_service(
    log: Sequence[str], backend: str, gpu: Gpu, layout: Layout, server: UnitState
) -> Finding | None:
    """Why whisper-server, with this log and this unit, does not use the GPU."""
    user = read_fact(host, UserName) or ""
    access = read_fact(host, UnitDeviceAccess, user=user, unit=SERVER_UNIT, pid=server.pid)
    manifest = read_fact(host, Manifest, path=layout.build) or {}
    tools = _tools(backend, gpu)
    changed = changed_packages(manifest, tools.versions)
    return diagnose(log, access, _subject(backend, gpu, tools), user, changed)


def _tools(backend: str, gpu: Gpu) -> Toolchain:
    driver = vulkan_driver(gpu) if backend == "vulkan" else ""
    tools: Toolchain = read_fact(
        host, toolchain.Toolchain, packages=BACKEND_PACKAGES[backend], driver=driver
    )
    return tools


def _subject(backend: str, gpu: Gpu, tools: Toolchain) -> Subject:
    return Subject(backend, gpu, tools.icd, choose_device(tools.devices, gpu))
