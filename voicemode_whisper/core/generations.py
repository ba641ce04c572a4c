"""Generations: what serves on a host, what served before, and what is not to be tried again.

A generation is all that has to fit together: a build and a model, the proxy's code and its virtual
environment, the environment files and units of both services. Its manifest.json says what it was
made from and what became of it. Generations are ordered by number.
"""

import json
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import PurePosixPath
from typing import Any

from voicemode_whisper.core.build import BuildSpec, Recipe
from voicemode_whisper.core.fingerprint import PATTERN, fingerprint
from voicemode_whisper.core.gpu import Gpu
from voicemode_whisper.core.models import Model
from voicemode_whisper.core.settings import Settings, local_url
from voicemode_whisper.core.toolchain import Toolchain
from voicemode_whisper.core.vulkan import VulkanDevice

CANDIDATE, CONFIRMED, REJECTED = "candidate", "confirmed", "rejected"
# What a generation has links to, of the same names.
PARTS = ("build", "proxy", "venv", "model", "wyoming")
KEPT = 3
# Rejected generations are no more than a manifest; so many of them are remembered.
REMEMBERED = 20
# What the deploy makes below services/, and what a run that was cut off leaves of it. The last line
# is the layout before there were generations, and what a comparison left that lost its power.
OWN = re.compile(
    rf"(whisper\.cpp/builds/.+-{PATTERN}|whisper-(proxy|proxy-venv|wyoming-venv)-{PATTERN}|generations/\d+"
    rf"|whisper\.cpp/build-.+-{PATTERN}|confirmed|confirmed-{PATTERN}|comparison)"
    r"(\.partial|\.new|\.tar|/[^/]+\.new)?"
)


@dataclass(frozen=True)
class GenerationSpec:
    """What is to serve.

    `model_file` is the name of the model's file on the host (see `models.choose_file`), `proxy` the
    version of the proxy's code, `lock_sha256` that of its lock file, `wyoming_lock_sha256` that of
    wyoming-openai's, `templates` a fingerprint of the units and environment files. `in_pool` is
    whether it answers for a pool's gateways, on other machines, and for no others without a key.
    """

    build: BuildSpec
    model: Model
    model_file: str
    settings: Settings
    proxy: str
    lock_sha256: str
    templates: str
    in_pool: bool = False
    wyoming_lock_sha256: str = ""

    @property
    def label(self) -> str:
        """For people: "whisper.cpp v1.9.1 with small.en"."""
        return f"whisper.cpp {self.build.release.label} with {self.model.name}"

    @property
    def relevant_settings(self) -> dict[str, Any]:
        """The settings that matter to the services, and that build and model do not tell of."""
        names = (
            "whisper_port", "proxy_host", "proxy_port", "proxy_api_key_file",
            "proxy_tls", "proxy_cors_origins", "proxy_names", "proxy_page", "idle_stop", "gpu_kfd",
            "gpu_pci",
        )  # fmt: skip
        found = {name: getattr(self.settings, name) for name in names}
        if self.settings.wyoming:
            found["wyoming"] = self.settings.wyoming
        return {**found, "in_pool": True} if self.in_pool else found

    def resolve(self, tools: Toolchain, python: str | None) -> "ResolvedSpec":
        """What it comes to with the tools and the Python that are on the host now."""
        recipe = Recipe.of(self.build, tools)
        environment = self.build.environment(tools)
        venv = fingerprint(f"{self.lock_sha256} {python}")
        wyoming = fingerprint(f"{self.wyoming_lock_sha256} {python}")
        parts = [
            recipe.fingerprint,
            self.model.file_name,
            self.model.sha256,
            self.proxy,
            venv,
            self.templates,
            json.dumps([environment, self.relevant_settings], sort_keys=True),
        ]
        device = self.build.device(tools)
        if device:  # its name, by which it is known in logs, changes with Mesa
            parts.append(device.name)
        if self.settings.wyoming:
            parts.append(wyoming)
        return ResolvedSpec(
            self, recipe, venv, wyoming, fingerprint("\n".join(parts)), environment, device
        )


@dataclass(frozen=True)
class ResolvedSpec:
    """A spec on one host: the build's recipe, the versions of both virtual environments.

    `fingerprint` is twelve hexadecimal digits that change with anything that matters to it.
    `environment` is what the build's programs need, `device` the GPU as Vulkan shows it.
    """

    spec: GenerationSpec
    recipe: Recipe
    venv: str
    wyoming_venv: str
    fingerprint: str
    environment: Mapping[str, str]
    device: VulkanDevice | None = None

    @property
    def device_name(self) -> str:
        """The GPU's name in Vulkan; empty for other backends, and where it does not show it."""
        return self.device.name if self.device else ""


@dataclass(frozen=True)
class Alternative:
    """A build for another backend that was tried: its path below services/.

    `refused` is why it may not serve, `when` that was found; empty where it was but slower.
    `milliseconds` are those of the sample, without loading the model; None where it was not timed.
    """

    backend: str
    build: str
    refused: str = ""
    when: str = ""
    milliseconds: float | None = None

    to_json = asdict  # for `pyinfra … fact`


@dataclass(frozen=True)
class Generation:
    """One generation, as its manifest tells.

    `listen` is the proxy's ADDRESS:PORT, `port` that of whisper-server. `revisions` are the values
    of SERVICE_REVISION that the processes of its services have; empty where they have none.
    `adopted` is whether it was set up otherwise, by hand or by an earlier layout; by hand, the
    proxy has no socket unit. `backend` is "hip", "vulkan", "cpu", or None where that is not known,
    `gpu` the one that is used, `device` its name in Vulkan, `model_size` in bytes, where known.
    `alternatives` are the builds that were tried beside its own. `wyoming` is the ADDRESS:PORT of
    wyoming-openai, empty where it has none.
    """

    number: int
    status: str
    fingerprint: str
    label: str
    listen: str
    port: int
    server_revision: str = ""
    proxy_revision: str = ""
    reason: str = ""
    when: str = ""
    adopted: bool = False
    has_socket: bool = True
    backend: str | None = None
    gpu: Gpu | None = None
    device: str = ""
    model_size: int | None = None
    parts: tuple[str, ...] = ()
    alternatives: tuple[Alternative, ...] = ()
    wyoming: str = ""
    wyoming_revision: str = ""
    manifest: Mapping[str, Any] = field(default_factory=dict, compare=False)

    to_json = asdict  # for `pyinfra … fact`

    @classmethod
    def of(cls, manifest: Mapping[str, Any]) -> "Generation":
        """Read a manifest; KeyError where it lacks something."""
        ended = manifest.get(manifest["status"]) or {}
        return cls(
            number=manifest["number"],
            status=manifest["status"],
            fingerprint=manifest["fingerprint"],
            label=manifest["label"],
            listen=manifest["listen"],
            port=manifest["port"],
            server_revision=manifest["revisions"]["server"],
            proxy_revision=manifest["revisions"]["proxy"],
            reason=ended.get("reason", ""),
            when=ended.get("when", ""),
            adopted="adopted" in manifest,
            has_socket=manifest["socket"],
            backend=manifest.get("backend"),
            gpu=Gpu(**manifest["gpu"]) if manifest.get("gpu") else None,
            device=manifest.get("vulkan") or "",
            model_size=manifest.get("model", {}).get("size"),
            parts=tuple(manifest["parts"].values()),
            alternatives=tuple(Alternative(**one) for one in manifest.get("alternatives", [])),
            wyoming=manifest.get("wyoming", ""),
            wyoming_revision=manifest["revisions"].get("wyoming", ""),
            manifest=manifest,
        )

    @property
    def title(self) -> str:
        """For people: "generation 7 (whisper.cpp v1.9.1 with small.en)"."""
        return f"generation {self.number} ({self.label})"

    @property
    def idle_watts(self) -> float | None:
        """What the idle card drew before there were services, where that was measured."""
        watts: float | None = self.manifest.get("idle_watts")
        return watts

    @property
    def proxy_url(self) -> str:
        """Where the proxy is found on the host itself."""
        return local_url(self.listen)

    @property
    def server_url(self) -> str:
        """Where whisper-server is found."""
        return f"http://127.0.0.1:{self.port}"

    def with_part(self, name: str, path: str) -> "Generation":
        """The same with another part, `path` below services/: no spec comes to just that."""
        changed = {
            "parts": {**self.manifest["parts"], name: path},
            "fingerprint": fingerprint(f"{self.fingerprint} {path}"),
        }
        return Generation.of({**self.manifest, **changed})

    def ended(self, status: str, when: str, reason: str = "", **seen: Any) -> dict[str, Any]:
        """Its manifest with what has become of it: confirmed or rejected, and why."""
        record = {"when": when, **({"reason": reason} if reason else {}), **seen}
        return {**self.manifest, "status": status, status: record}


@dataclass(frozen=True)
class Generations:
    """The generations of a host, by number.

    `current` is the number of the one that serves, None where there is none; `gone` are files that
    it had, without which its services do not start, or do not start as they should. `versions` are
    the directories below services/ that may be versions of something, `models` the model files
    there that the deploy downloaded.
    """

    all: tuple[Generation, ...] = ()
    current: int | None = None
    versions: tuple[str, ...] = ()
    models: tuple[str, ...] = ()
    gone: tuple[str, ...] = ()

    to_json = asdict  # for `pyinfra … fact`

    @property
    def serving(self) -> Generation | None:
        """The generation that `current` names."""
        return next((one for one in self.all if one.number == self.current), None)

    @property
    def has_rejected(self) -> bool:
        """Whether any is remembered as rejected."""
        return any(one.status == REJECTED for one in self.all)

    @property
    def next_number(self) -> int:
        """The number for a new one."""
        return max(self.current or 0, *(one.number for one in self.all), 0) + 1

    def commit_of(self, label: str) -> str | None:
        """The commit of the release that was last confirmed under this label."""
        releases = [
            one.manifest["release"]
            for one in self.all
            if one.status == CONFIRMED and one.manifest.get("release", {}).get("label") == label
        ]
        return releases[-1]["commit"] if releases else None

    def idle_watts(self, gpu: Gpu | None) -> float | None:
        """What this card drew, idle, before there were services, as the generations tell."""
        known = [
            one.idle_watts
            for one in self.all
            if gpu and one.gpu and (one.gpu.address, one.gpu.gfx) == (gpu.address, gpu.gfx)
        ]
        return next((watts for watts in reversed(known) if watts is not None), None)

    def previous(self) -> Generation | None:
        """What was confirmed before the one that serves; going back again goes back further."""
        return self._last_confirmed(self.current or 0)

    def fallback(self) -> Generation | None:
        """What serves again where the one that serves now is rejected."""
        return self.previous() or self._last_confirmed(self.next_number, besides=self.current)

    def _last_confirmed(self, below: int, besides: int | None = None) -> Generation | None:
        found = [
            one
            for one in self.all
            if one.status == CONFIRMED and one.number < below and one.number != besides
        ]
        return found[-1] if found else None

    def reusable(self, wanted: str) -> Generation | None:
        """The one with this fingerprint that serves, or came after it and was not rejected.

        One that serves and is not whole any more is made again, with another number.
        """
        found = [
            one
            for one in self.all
            if one.fingerprint == wanted
            and one.number >= (self.current or 0)
            and one.status != REJECTED
            and not (self.gone and one.number == self.current)
        ]
        return found[-1] if found else None

    def rejection(self, wanted: str) -> Generation | None:
        """The last one with this fingerprint, if it was rejected.

        That counts only where something else was confirmed: otherwise there is nothing to lose by
        trying again.
        """
        found = [one for one in self.all if one.fingerprint == wanted]
        confirmed = any(one.status == CONFIRMED for one in self.all)
        return found[-1] if found and confirmed and found[-1].status == REJECTED else None

    def kept(self) -> list[Generation]:
        """The last three confirmed, what serves, and what was tried after it.

        Of those that are the same, the newest counts. What was tried is kept whole as long as it is
        the newest: trying it again builds nothing.
        """
        newest = {one.fingerprint: one for one in self.all if one.status == CONFIRMED}
        confirmed = sorted(newest.values(), key=lambda one: one.number)[-KEPT:]
        serving = self.serving
        later = [
            one for one in self.all if one.status == REJECTED and one.number > (self.current or 0)
        ]
        return [*confirmed, *([serving] if serving else []), *later]

    def surplus(self, wanted: Collection[str] = ()) -> list[str]:
        """Directories and models below services/ that the deploy made and nothing needs any more.

        A rejected generation is remembered, but what it consists of is not kept for ever. `wanted`
        are builds that were tried for what serves: what is known of them stands in them.
        """
        kept = self.kept()
        rejected = [one for one in self.all if one.status == REJECTED][-REMEMBERED:]
        needed = {part for one in kept for part in one.parts}
        needed |= set(wanted)
        needed |= {f"generations/{one.number}" for one in [*kept, *rejected]}
        return [name for name in (*self.own(), *self.models) if name not in needed]

    def own(self) -> list[str]:
        """Directories below services/ that the deploy made: the others are the user's."""
        return [name for name in self.versions if OWN.fullmatch(name)]


@dataclass(frozen=True)
class EarlierSetup:
    """What serves on a host that has no generations: set up by hand, or by an earlier layout.

    `build`, `proxy` and `venv` are paths below services/, empty where there is none; `model` is the
    path of the file that whisper-server has loaded, `server` and `listen` the ADDRESS:PORT at which
    it and the proxy listen, empty where they do not.
    """

    build: str = ""
    proxy: str = ""
    venv: str = ""
    model: str = ""
    server: str = ""
    listen: str = ""
    socket: bool = False
    server_revision: str = ""
    proxy_revision: str = ""

    to_json = asdict  # for `pyinfra … fact`

    @property
    def label(self) -> str:
        """For people: "whisper.cpp v1.9.1 with small.en", or that nobody knows."""
        release = re.fullmatch(rf"whisper\.cpp/builds/(.+)-{PATTERN}", self.build)
        model = PurePosixPath(self.model).name.removeprefix("ggml-").removesuffix(".bin")
        what = f"whisper.cpp {release[1]}" if release else "whisper.cpp as set up by hand"
        return f"{what} with {model}" if model else what

    def manifest(self, when: str, transcribes: bool) -> dict[str, Any]:
        """The manifest of generation 1; one that does not transcribe is nothing to go back to."""
        status = CONFIRMED if transcribes else CANDIDATE
        return {
            "number": 1,
            "status": status,
            status: {"when": when},
            "adopted": when,
            "fingerprint": "",
            "label": self.label,
            "listen": self.listen or "127.0.0.1:2023",
            "port": int(self.server.rpartition(":")[2] or 2022),
            "socket": self.socket,
            "revisions": {"server": self.server_revision, "proxy": self.proxy_revision},
            "parts": {
                "build": self.build,
                "proxy": self.proxy,
                "venv": self.venv,
                "model": self.model,
            },
        }


def parse_earlier_setup(lines: Iterable[str]) -> EarlierSetup:
    """What describe-setup.sh prints: lines NAME=VALUE, named as the fields."""
    values = dict(line.split("=", 1) for line in lines)
    socket = values.pop("socket") == "yes"
    return EarlierSetup(**values, socket=socket)


def parse_generations(lines: Iterable[str]) -> Generations:
    """What list-generations.sh prints.

    `current LINK`; `manifest JSON`, on one line, for each generation; `version PATH`; `model PATH`;
    `gone FILE`.
    """
    words = ("current", "manifest", "version", "model", "gone")
    said: dict[str, list[str]] = {word: [] for word in words}
    for line in lines:
        word, _, text = line.partition(" ")
        said[word].append(text)
    found = [Generation.of(json.loads(text)) for text in said["manifest"]]
    current = re.fullmatch(r"generations/(\d+)", "".join(said["current"]))
    return Generations(
        all=tuple(sorted(found, key=lambda one: one.number)),
        current=int(current[1]) if current else None,
        versions=tuple(said["version"]),
        models=tuple(said["model"]),
        gone=tuple(said["gone"]),
    )
