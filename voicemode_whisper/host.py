"""The host that a stage works on: what is known of it, read lazily and once."""

import runpy
import socket
from collections.abc import Iterable
from functools import cache, cached_property
from typing import Any, TypeVar

from pyinfra import api, logger

from voicemode_whisper import proxy_archive, resources
from voicemode_whisper.core import generations, places
from voicemode_whisper.core.build import BuildSpec, packages
from voicemode_whisper.core.choice import Choice
from voicemode_whisper.core.errors import UserError
from voicemode_whisper.core.generations import GenerationSpec
from voicemode_whisper.core.gpu import (
    LLVMPIPE,
    Gpu,
    choose_backends,
    choose_gpu,
    choose_targets,
)
from voicemode_whisper.core.layout import Layout
from voicemode_whisper.core.models import ModelFile, candidate_files, choose_file
from voicemode_whisper.core.pool import GATEWAY_PACKAGES, Member, Pool, Tls
from voicemode_whisper.core.power import idle_watts, sysfs_device
from voicemode_whisper.core.release import Release, is_tag, parse_refs, resolve_release
from voicemode_whisper.core.settings import Settings, as_member, read_settings, same_ports
from voicemode_whisper.core.urls import masked, split_login
from voicemode_whisper.facts.base import Question, gather, read_fact
from voicemode_whisper.facts.generations import Generations
from voicemode_whisper.facts.git import Advertisement
from voicemode_whisper.facts.kfd import Gpus
from voicemode_whisper.facts.machine import Identity
from voicemode_whisper.facts.models import ModelFiles
from voicemode_whisper.facts.places import Places
from voicemode_whisper.facts.power import UnservedPower
from voicemode_whisper.operations.util.outcome import outcome_of
from voicemode_whisper.unit_files import templates_fingerprint

T = TypeVar("T")
# Groups of the inventory: the machines that transcribe, and those that have a pool of them answer.
MEMBERS, GATEWAYS = "servers", "pool"
DEFAULTS = {
    name: value
    for name, value in runpy.run_path(str(resources.DEFAULTS)).items()
    if not name.startswith("__") and name != "environ"
}


class Host:
    """A host before the run: only what the run itself cannot change."""

    def __init__(self, pyinfra: api.Host) -> None:
        self.pyinfra = pyinfra

    def fact(self, fact: type[api.FactBase[T]], **arguments: Any) -> T:
        """Ask the host for a fact, now; UserError where it cannot be read."""
        return read_fact(self.pyinfra, fact, **arguments)

    def gather(self, questions: Iterable[Question], **arguments: Any) -> None:
        """Have the host answer several facts in one round trip, before they are asked for."""
        gather(self.pyinfra, questions, **arguments)

    def warn(self, line: str) -> None:
        """Print a line that the operator should not miss."""
        self.pyinfra.log_styled(line, fg="yellow", log_func=logger.warning)

    @cached_property
    def settings(self) -> Settings:
        # pyinfra knows the defaults only of the host that a stage is at.
        found = read_settings({**DEFAULTS, **self.pyinfra.data.dict()})
        return as_member(found) if self.is_remote_member() else found

    def is_gateway(self) -> bool:
        """Whether it has a pool answer."""
        return GATEWAYS in self.pyinfra.groups

    def is_member(self) -> bool:
        """Whether it answers for a pool."""
        return MEMBERS in self.pyinfra.groups and bool(self.gateways)

    def is_of_pool(self) -> bool:
        """Whether it is a gateway or a member."""
        return self.is_gateway() or self.is_member()

    def is_remote_member(self) -> bool:
        """Whether it answers for a pool to another machine."""
        return self.is_member() and any(one is not self for one in self.gateways)

    @property
    def authority(self) -> api.Host | None:
        """The host whose CA signs its certificates: its pool's first gateway; None for itself."""
        first = next(iter(self.gateways), self)
        return first.pyinfra if self.is_of_pool() and first is not self else None

    def serves(self) -> bool:
        """Whether whisper.cpp serves there: everywhere but on a gateway that is no member."""
        return self.is_member() or not self.is_gateway()

    @property
    def gateways(self) -> tuple["Host", ...]:
        """The gateways of the pool that the inventory has; none where it has no pool."""
        return self._group(GATEWAYS)

    @property
    def members(self) -> tuple["Host", ...]:
        """The members of the pool that the inventory has."""
        return self._group(MEMBERS) if self.gateways else ()

    @property
    def addresses(self) -> dict[str, tuple[str, int]]:
        """Where its services listen: address and port, by the setting of the port.

        UserError where two of them have the same port.
        """
        settings = self.settings
        found = {
            **(settings.addresses if self.serves() else {}),
            **(settings.gateway_addresses if self.is_gateway() else {}),
        }
        problems = same_ports({name: port for name, (_, port) in found.items()})
        if problems:
            raise UserError(*problems)
        return found

    @property
    def pool(self) -> Pool:
        """What HAProxy is to do on this gateway."""
        # The unit's RuntimeDirectory, which is the user's alone.
        directory = f"/run/user/{self.identity['uid']}/voicemode-whisper-pool"
        tls = Tls(self.layout.ca, self.layout.pool_certificate)
        return Pool(self.pool_members, directory, self.settings.pool_stats_port, tls)

    @property
    def pool_members(self) -> tuple[Member, ...]:
        """The members of the pool, as this gateway reaches them."""
        return tuple(map(self._as_member, self.members))

    @property
    def member_name(self) -> str:
        """Its name in a pool: that of the inventory, without pyinfra's word for a connection."""
        known_as: str = self.pyinfra.data.get("known_as") or self.pyinfra.name
        return known_as.rpartition("/")[2].removeprefix("@")

    def is_attended(self) -> bool:
        """Whether the run may become root."""
        return not self.settings.unattended

    def is_own_run(self) -> bool:
        """Whether the machine itself has begun this run, with `own_data` for its settings."""
        return bool(self.pyinfra.data.get("known_as"))

    @property
    def own_data(self) -> dict[str, Any]:
        """What the inventory of a machine that upgrades itself says of it: each setting."""
        data = {**DEFAULTS, **self.pyinfra.data.dict()}
        given = {name: data[name] for name in DEFAULTS if not name.startswith("_")}
        own = {"ssh_hostname": self.called, "known_as": self.member_name}
        return {**given, **own, "unattended": "yes", "retry": "no"}

    def _as_member(self, other: "Host") -> Member:
        try:
            settings = other.settings
        except UserError as error:
            # What serves goes on with this member as it was, and not without it.
            who = f"pool: {other.member_name}"
            raise UserError(*(f"{who}: {line}" for line in error.lines)) from None
        address = "127.0.0.1" if other is self else settings.pool_address or other.called
        return Member(other.member_name, address, settings.proxy_port)

    def _group(self, name: str) -> tuple["Host", ...]:
        return tuple(map(host_of, self.pyinfra.inventory.groups.get(name, ())))

    @cached_property
    def identity(self) -> dict[str, Any]:
        identity: dict[str, Any] | None = self.fact(Identity)
        if identity is None:
            raise UserError("host: it prints nothing when it is told to; what is its login shell?")
        return identity

    @cached_property
    def layout(self) -> Layout:
        return Layout(self.identity["home"])

    @cached_property
    def places(self) -> places.Places:
        """What is to be written to, and the packages that are missing, before the run."""
        found: places.Places = self.fact(Places, home=self.layout.home, packages=self.packages)
        return found

    @cached_property
    def gpu(self) -> Gpu | None:
        """The GPU to use; without one llvmpipe, where that may stand in for it."""
        settings = self.settings
        gpus = self.fact(Gpus, kfd=settings.gpu_kfd, pci=settings.gpu_pci)
        return choose_gpu(gpus) or (LLVMPIPE if settings.gpu_software else None)

    @cached_property
    def backends(self) -> tuple[str, ...]:
        """What is to be tried, in this order."""
        return choose_backends(self.settings.whisper_backend, self.gpu)

    @property
    def backend(self) -> str:
        """What is tried first."""
        return self.backends[0]

    @property
    def by_speed(self) -> bool:
        """Whether all are built, and the fastest serves."""
        return self.settings.whisper_backend == "fastest"

    @property
    def certain_backends(self) -> tuple[str, ...]:
        """What is built for in any case: all where the fastest serves, otherwise the first."""
        return self.backends if self.by_speed else self.backends[:1]

    @property
    def unbuilt(self) -> tuple[str, ...]:
        """What is to be built for in any case, as far as the generation that serves tells."""
        serving = self.generations.serving
        release = (serving.manifest.get("release") or {}) if serving else {}
        built = set()
        if serving and release.get("label") == self.release.label:
            built = {serving.backend, *(other.backend for other in serving.alternatives)}
        return tuple(backend for backend in self.certain_backends if backend not in built)

    @property
    def packages(self) -> tuple[str, ...]:
        """What all backends need that may be tried, and a gateway: installed at once, before
        anything is built.
        """
        names = [name for each in self._tried_backends for name in self.packages_of(each)]
        return tuple(dict.fromkeys([*names, *(GATEWAY_PACKAGES if self.is_gateway() else ())]))

    @property
    def _tried_backends(self) -> tuple[str, ...]:
        return self.backends if self.serves() else ()

    def packages_of(self, backend: str) -> tuple[str, ...]:
        """What a backend needs."""
        return packages(backend, self.settings.rocm_packages, self.gpu)

    @cached_property
    def refs(self) -> dict[str, str]:
        """What whisper_repo has, by git's name for it."""
        repo, login = split_login(self.settings.whisper_repo)
        answer = self.fact(Advertisement, repo=repo, _stdin=login and login.for_curl)
        refs = parse_refs(answer)
        if not refs:
            reason = answer[-1] if answer else "no answer"
            shown = masked(self.settings.whisper_repo)
            raise UserError(f"whisper_repo: cannot read {shown} as a git repository: {reason}")
        return refs

    @cached_property
    def release_upstream(self) -> Release:
        """What whisper_repo says that whisper_version means."""
        settings = self.settings
        return resolve_release(settings.whisper_version, self.refs, settings.whisper_known_defects)

    @cached_property
    def moved_from(self) -> str | None:
        """The commit that the release's tag was when it was confirmed here, if it was another."""
        found = self.release_upstream
        before = self.generations.commit_of(found.label)
        return before if before != found.commit and is_tag(found, self.refs) else None

    @property
    def release(self) -> Release:
        """The release to build: that of a tag which was moved stays what it was, unless retry."""
        found = self.release_upstream
        before = None if self.settings.retry else self.moved_from
        return Release(found.label, before) if before else found

    @cached_property
    def generations(self) -> generations.Generations:
        """What serves and what served, before the run."""
        found: generations.Generations = self.fact(Generations, layout=self.layout)
        outcome_of(self.pyinfra).serving = found.serving
        return found

    @property
    def gpu_device(self) -> str:
        """The directory of the GPU in sysfs; empty where it is not known."""
        return sysfs_device(self.settings.gpu_pci, self.gpu)

    @cached_property
    def unserved_watts(self) -> float | None:
        """What the idle card draws where nothing has ever been set up; None where not known."""
        unused = self.backend == "cpu" or not self.gpu_device
        if self.gpu is None or unused or self.generations.serving:
            return None
        return idle_watts(self.fact(UnservedPower, device=self.gpu_device), self.gpu)

    def build_spec(self, backend: str) -> BuildSpec:
        """What is to be built for a backend."""
        if backend == "cpu":
            return BuildSpec(self.release, backend)
        targets = choose_targets(self.settings.gpu_targets, self.gpu) if backend == "hip" else ()
        return BuildSpec(self.release, backend, targets, self.gpu)

    @property
    def called(self) -> str:
        """By what name other machines find the host, as far as pyinfra has one for it."""
        local = self.pyinfra.name == "@local"
        # A machine that upgrades itself is told by which name the others call it.
        name = self.pyinfra.data.get("ssh_hostname") or (socket.gethostname() if local else None)
        return name or self.pyinfra.name

    @property
    def lan_url(self) -> str | None:
        """Where other machines find the proxy."""
        return self.settings.lan_url(self.called)

    @cached_property
    def model_file(self) -> str:
        """The name of the model's file on the host."""
        return choose_file(self.settings.model, self.model_files)

    @cached_property
    def model_files(self) -> dict[str, ModelFile]:
        """The files there that have one of the model's names."""
        names = candidate_files(self.settings.model)
        files: dict[str, ModelFile] = self.fact(
            ModelFiles, directory=self.layout.models, names=names
        )
        return files

    @property
    def model_path(self) -> str:
        return f"{self.layout.models}/{self.model_file}"

    @cached_property
    def choice(self) -> Choice:
        """What is to serve, or one of what."""
        return Choice(tuple(map(self._generation_spec, self.backends)), self.by_speed)

    def _generation_spec(self, backend: str) -> GenerationSpec:
        return GenerationSpec(
            build=self.build_spec(backend),
            model=self.settings.model,
            model_file=self.model_file,
            settings=self.settings,
            proxy=proxy_archive.version(),
            lock_sha256=proxy_archive.LOCK_SHA256,
            templates=templates_fingerprint(),
            in_pool=self.is_remote_member(),
            wyoming_lock_sha256=proxy_archive.WYOMING_LOCK_SHA256,
        )


host_of = cache(Host)
