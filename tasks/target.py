"""The host that a stage works on, and the form that every stage has."""

import runpy
import socket
from collections.abc import Callable
from functools import cache, cached_property
from pathlib import Path
from typing import Any

from pyinfra import logger
from pyinfra.api import Host, deploy
from pyinfra.api.arguments_typed import PyinfraOperation
from pyinfra.context import ctx_host, ctx_state

from core.build import Order
from core.gpu import Gpu, choose_backend, choose_gpu, choose_targets
from core.layout import Layout
from core.refusal import Refusal
from core.release import Release, parse_refs, resolve_release
from core.settings import Settings, read_settings
from facts.git import Advertisement
from facts.kfd import Gpus
from facts.machine import Identity
from operations.connection import is_lost

ROOT = Path(__file__).parent.parent
DEFAULTS = {
    name: value
    for name, value in runpy.run_path(str(ROOT / "group_data" / "all.py")).items()
    if not name.startswith("__") and name != "environ"
}


class Target:
    """What is known of a host before the run: only what the run itself cannot change."""

    def __init__(self, host: Host) -> None:
        self.host = host

    @cached_property
    def settings(self) -> Settings:
        return read_settings(self.host.data.dict())

    @cached_property
    def identity(self) -> dict[str, Any]:
        return self.host.get_fact(Identity)

    @cached_property
    def layout(self) -> Layout:
        return Layout(self.identity["home"])

    @cached_property
    def gpu(self) -> Gpu | None:
        gpus: list[Gpu] = self.host.get_fact(Gpus, kfd=self.settings.gpu_kfd)
        return choose_gpu(gpus)

    @cached_property
    def backend(self) -> str:
        return choose_backend(self.settings.whisper_backend, self.gpu)

    @cached_property
    def gpu_targets(self) -> tuple[str, ...]:
        if self.backend == "cpu":
            return ()
        return choose_targets(self.settings.gpu_targets, self.gpu)

    @cached_property
    def refs(self) -> dict[str, str]:
        """What whisper_repo has, by git's name for it."""
        repo = self.settings.whisper_repo
        answer = self.host.get_fact(Advertisement, repo=repo)
        refs = parse_refs(answer)
        if not refs:
            reason = answer[-1] if answer else "no answer"
            raise Refusal(f"whisper_repo: cannot read {repo} as a git repository: {reason}")
        return refs

    @cached_property
    def release(self) -> Release:
        settings = self.settings
        return resolve_release(settings.whisper_version, self.refs, settings.whisper_known_defects)

    @property
    def order(self) -> Order:
        gpu = self.gpu if self.backend == "hip" else None
        return Order(self.release, self.backend, self.gpu_targets, gpu)

    @property
    def lan_url(self) -> str | None:
        """Where other machines find the proxy, by the name that pyinfra has for the host."""
        local = self.host.name == "@local"
        name = socket.gethostname() if local else self.host.data.get("ssh_hostname")
        return self.settings.lan_url(name or self.host.name)

    @property
    def model_path(self) -> str:
        return f"{self.layout.models}/{self.settings.model.file_name}"


target_of = cache(Target)


def stage(name: str) -> Callable[[Callable[[Target], None]], PyinfraOperation[[]]]:
    """Make a function of a `Target` into a stage: a @deploy with this project's defaults.

    A `Refusal` fails the host that it is about, and no other.
    """

    def decorate(body: Callable[[Target], None]) -> PyinfraOperation[[]]:
        @deploy(name, data_defaults=DEFAULTS)
        def run() -> None:
            host = ctx_host.get()
            if is_lost(host):
                return
            try:
                body(target_of(host))
            except Refusal as refusal:
                fail(host, *refusal.lines)
            except Exception:
                # A host that went away gives facts of nothing; its failure is reported already.
                if not is_lost(host):
                    raise

        return run

    return decorate


def fail(host: Host, *lines: str) -> None:
    """Print these lines as errors, and fail this host alone."""
    for line in lines:
        host.log_styled(line, fg="red", log_func=logger.error)
    ctx_state.get().fail_hosts({host})
