"""What a run asks of a host that it changes nothing on, gathered into a few round trips.

What is gathered and not asked for after all, or asked for otherwise, costs a moment and no more.
The state of processes is not asked in advance: it is to be known as it is when a stage decides.
"""

from collections.abc import Iterator

from voicemode_whisper import proxy_archive
from voicemode_whisper.core.generations import GenerationSpec
from voicemode_whisper.core.layout import UNITS, Layout
from voicemode_whisper.core.models import candidate_files
from voicemode_whisper.facts.base import Question
from voicemode_whisper.facts.build import Manifest
from voicemode_whisper.facts.certificate import Certificate, HostNames
from voicemode_whisper.facts.device_access import ConnectionDeviceAccess
from voicemode_whisper.facts.env_file import VoiceModeEnv
from voicemode_whisper.facts.files import Exists, KeyFile, Sha256Sums, Without
from voicemode_whisper.facts.generations import Earlier, Generations
from voicemode_whisper.facts.git import Head
from voicemode_whisper.facts.kfd import Gpus
from voicemode_whisper.facts.machine import Groups, Identity, Lingering, SudoRefusal
from voicemode_whisper.facts.models import ModelFiles
from voicemode_whisper.facts.pacman import MissingPackages
from voicemode_whisper.facts.places import Places
from voicemode_whisper.facts.toolchain import Python, Toolchain
from voicemode_whisper.facts.user_manager import UserManagerState
from voicemode_whisper.facts.venv import Venv
from voicemode_whisper.host import Host
from voicemode_whisper.operations.util.generations import toolchain_of
from voicemode_whisper.unit_files import MARKER


def at_first(host: Host) -> list[Question]:
    """What needs nothing to be known of the host."""
    settings = host.settings
    gpus = {"kfd": settings.gpu_kfd, "pci": settings.gpu_pci}
    return [
        (Identity, {}),
        *([] if settings.unattended else [(SudoRefusal, {})]),
        *([(Gpus, gpus)] if host.serves() else []),
    ]


def in_preflight(host: Host) -> list[Question]:
    """What follows from who the user is and which GPU there is."""
    layout, key = host.layout, host.settings.proxy_api_key_file
    return [
        (Places, {"home": layout.home, "packages": host.packages}),
        (UserManagerState, {"layout": layout}),
        *([(KeyFile, {"path": key})] if key else []),
        *(_of_server(host) if host.serves() else []),
    ]


def _of_server(host: Host) -> list[Question]:
    """What serves on a host that transcribes, and with which model."""
    layout, names = host.layout, candidate_files(host.settings.model)
    return [
        (VoiceModeEnv, {"layout": layout}),
        (Generations, {"layout": layout}),
        (ModelFiles, {"directory": layout.models, "names": names}),
    ]


def as_root(host: Host) -> list[Question]:
    """What the stages before the model ask as root."""
    user, uid = host.identity["user"], host.identity["uid"]
    return [
        (MissingPackages, {"packages": host.packages}),
        *([(Groups, {"user": user})] if host.serves() else []),
        (Lingering, {"user": user, "uid": uid}),
    ]


def as_user(host: Host) -> list[Question]:
    """What the other stages ask, if what serves is what is wanted."""
    return [*(_by_server(host) if host.serves() else []), *_certificates(host), *_upgrades(host)]


def _upgrades(host: Host) -> list[Question]:
    """What is asked of the machine's own upgrades."""
    layout = host.layout
    return [
        (Python, {}),
        (Sha256Sums, {"paths": layout.upgrade_units}),
        (Exists, {"path": layout.upgrade}),
    ]


def _certificates(host: Host) -> Iterator[Question]:
    """What is asked of those that the deploy makes."""
    layout, internal = host.layout, host.settings.proxy_tls == "internal"
    if internal or host.is_gateway():
        yield HostNames, {}
    if internal:
        key = layout.certificate_key
        yield _certificate(layout, layout.certificate, key, "serverAuth")
    if host.is_gateway():
        path = layout.pool_certificate
        yield _certificate(layout, path, f"{path}.key", "clientAuth")


def _certificate(layout: Layout, path: str, key: str, use: str) -> Question:
    return Certificate, {"certificate": path, "key": key, "ca": layout.ca, "use": use}


def _by_server(host: Host) -> list[Question]:
    """What the stages of a host that transcribes ask."""
    layout, user = host.layout, host.identity["user"]
    units = [f"{layout.units}/{unit}" for unit in UNITS]
    return [
        *([(ConnectionDeviceAccess, {"user": user})] if host.backend != "cpu" else []),
        (Generations, {"layout": layout}),
        (ModelFiles, {"directory": layout.models, "names": (host.model_file,)}),
        (Earlier, {"layout": layout}),
        (Head, {"path": layout.checkout}),
        *((Toolchain, toolchain_of(one.build.backend, one.build.gpu)) for one in _built(host)),
        *_parts(host),
        (Exists, {"path": f"{layout.proxy}-{proxy_archive.version()}"}),
        (Without, {"paths": units, "text": MARKER}),
        (VoiceModeEnv, {"layout": layout}),
    ]


def _built(host: Host) -> list[GenerationSpec]:
    """The specs that are asked about: what is tried first, and what was built before."""
    serving = host.generations.serving
    built = {serving.backend, *(one.backend for one in serving.alternatives)} if serving else set()
    return [spec for spec in host.choice.specs if spec.build.backend in {host.backend, *built}]


def _parts(host: Host) -> Iterator[Question]:
    """What the generation that serves is made of."""
    serving, services = host.generations.serving, host.layout.services
    if serving is None or serving.adopted:
        return
    parts = serving.manifest["parts"]
    for build in (parts["build"], *(other.build for other in serving.alternatives)):
        yield Manifest, {"path": f"{services}/{build}"}
    for name in ("venv", "wyoming"):
        if name in parts:
            yield Venv, {"path": f"{services}/{parts[name]}"}
