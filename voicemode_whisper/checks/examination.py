"""What checks of several topics need to know of a host, asked once."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from voicemode_whisper.core import serving
from voicemode_whisper.core.build import BACKEND_PACKAGES
from voicemode_whisper.core.generations import Generation, Generations
from voicemode_whisper.core.health.report import ExpectedState, expected_backend
from voicemode_whisper.core.layout import PROXY_UNIT, SERVER_UNIT, UNITS
from voicemode_whisper.core.listeners import Listener
from voicemode_whisper.core.models import candidate_files
from voicemode_whisper.core.services import ServiceState, UnitState
from voicemode_whisper.facts.base import Question
from voicemode_whisper.facts.build import Manifest
from voicemode_whisper.facts.files import Exists
from voicemode_whisper.facts.models import ModelFiles
from voicemode_whisper.facts.pacman import MissingPackages
from voicemode_whisper.facts.places import Places
from voicemode_whisper.facts.ports import Listeners
from voicemode_whisper.facts.serving import ProxySelfCheck, Serving
from voicemode_whisper.facts.speech import Transcript, Transcription
from voicemode_whisper.facts.toolchain import Toolchain
from voicemode_whisper.facts.user_manager import UserManagerState
from voicemode_whisper.facts.user_unit import Services
from voicemode_whisper.facts.venv import Venv
from voicemode_whisper.host import Host


@dataclass(frozen=True)
class Examination:
    """A host, and what was found of it already.

    `manifest` is the live build's, None where it has none. `listeners` are those at the services'
    ports. `services` are as they were last asked, `proxy` is the proxy's unit before that: who
    asks at its socket starts it. `on_disk` is what serves, as it lies there.
    """

    host: Host
    manifest: Mapping[str, Any] | None
    generations: Generations
    expected: ExpectedState
    listeners: tuple[Listener, ...]
    services: ServiceState
    proxy: UnitState
    on_disk: serving.Serving

    @property
    def serves(self) -> Generation | None:
        """The generation that serves."""
        return self.generations.serving

    @property
    def server(self) -> UnitState:
        """The unit of whisper-server."""
        return self.services.units[SERVER_UNIT]

    def part(self, serves: Generation, name: str) -> str:
        """Where a part of a generation lies."""
        return f"{self.host.layout.services}/{serves.manifest['parts'][name]}"

    def again(self) -> "Examination":
        """The same with the services as they are now."""
        return replace(self, services=_services(self.host, self.generations))

    def transcript(self, sample: str, device: str = "") -> Transcription:
        """What the proxy makes of a recording; the load of the GPU at `device` is measured."""
        settings = self.host.settings
        transcription: Transcription = self.host.fact(
            Transcript,
            url=settings.proxy_url,
            sample=sample,
            api_key_file=settings.proxy_api_key_file,
            device=device,
        )
        return transcription


def begin(host: Host) -> Examination:
    """Ask a host for what checks of several topics need."""
    manifest: dict[str, Any] | None = host.fact(Manifest, path=host.layout.build)
    generations = host.generations
    expected = _expected(host, manifest, generations)
    ports = tuple(port for _, port in host.settings.addresses.values())
    listeners: tuple[Listener, ...] = host.fact(Listeners, ports=ports, _sudo=True)
    services = _services(host, generations)
    host.gather(_on_disk(host, expected.backend))
    return Examination(
        host=host,
        manifest=manifest,
        generations=generations,
        expected=expected,
        listeners=listeners,
        services=services,
        proxy=services.units[PROXY_UNIT],
        on_disk=host.fact(Serving, layout=host.layout),
    )


def _on_disk(host: Host, backend: str) -> list[Question]:
    """What the checks ask about before any of them has a service at work."""
    layout = host.layout
    return [
        (Serving, {"layout": layout}),
        (Venv, {"path": f"{layout.current}/venv"}),
        (ProxySelfCheck, {"layout": layout}),
        (MissingPackages, {"packages": host.packages_of(backend)}),
        (Toolchain, {"packages": BACKEND_PACKAGES[backend]}),
        (Exists, {"path": f"{layout.build}/bin/whisper-server"}),
        (ModelFiles, {"directory": layout.models, "names": candidate_files(host.settings.model)}),
        (UserManagerState, {"layout": layout}),
        (Places, {"home": layout.home, "packages": ()}),
    ]


def _expected(
    host: Host, manifest: Mapping[str, Any] | None, generations: Generations
) -> ExpectedState:
    settings = host.settings
    backend = expected_backend(settings.whisper_backend, host.gpu, manifest)
    idle_watts = generations.idle_watts(host.gpu)
    return ExpectedState(backend, host.gpu, settings.model, idle_watts, bool(settings.idle_stop))


def _services(host: Host, generations: Generations) -> ServiceState:
    """The services beside the generation that serves; a unit that is not there does nothing."""
    state: ServiceState = host.fact(Services, layout=host.layout, number=generations.current or 0)
    return replace(state, units={unit: state.units.get(unit, UnitState()) for unit in UNITS})
