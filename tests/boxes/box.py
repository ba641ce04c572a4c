"""A box as the tests see it."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from . import inventory, machine, network, snapshots, ssh, state
from .shell import BoxError
from .state import Record

Answer = subprocess.CompletedProcess[str]


@dataclass(frozen=True)
class Box:
    """A machine of its own, reached over ssh."""

    name: str
    address: str

    @classmethod
    def of(cls, record: Record) -> Box:
        """The box that a record is about; the boxes' network must be up."""
        return cls(record.name, network.address(record.index))

    def run(
        self,
        command: str,
        *,
        user: str | None = None,
        check: bool = True,
        input: str | None = None,
        timeout: float = 600,
    ) -> Answer:
        """Run a shell command as `user` (ada unless said; root may).

        `check` raises CalledProcessError, with what the command wrote to stderr as a note.
        After `timeout` seconds TimeoutExpired is raised, and the command may go on.
        """
        argv = [*ssh.arguments(self.address, user or ssh.USER, "-o", "BatchMode=yes"), command]
        answer = subprocess.run(
            argv, capture_output=True, text=True, timeout=timeout, input=input or ""
        )
        try:
            if check:
                answer.check_returncode()
        except subprocess.CalledProcessError as error:
            error.add_note(f"{self.name}: {command}\n{answer.stderr}")
            raise
        return answer

    def reboot(self) -> None:
        """Shut down and start again; returns when its system has started."""
        self.stop()
        self.start()

    def stop(self) -> None:
        """Shut down in order. What it has written is kept."""
        machine.shut_down(self._record())
        with state.lock():
            machine.kill(self._record())
            inventory.write()

    def kill(self) -> None:
        """End it as a power cut would. What it has written is kept."""
        with state.lock():
            machine.kill(self._record())
            inventory.write()

    def start(self) -> None:
        """Start it again after `stop` or `kill`; returns when its system has started."""
        with state.lock():
            started = machine.start(self._record())
            inventory.write()
        machine.wait_until_up(started)

    @contextmanager
    def unplugged(self) -> Iterator[None]:
        """Have it without a network for the duration of the context."""
        index = self._record().index
        network.set_cable(index, plugged=False)
        try:
            yield
        finally:
            network.set_cable(index, plugged=True)

    def save(self, label: str) -> None:
        """Make what it has written the snapshot `label`, and start it again on top of that."""
        machine.shut_down(self._record())
        with state.lock():
            record = self._record()
            machine.kill(record)
            started = machine.start(snapshots.take(record, label))
        machine.wait_until_up(started)

    def _record(self) -> Record:
        record = state.load(self.name)
        if record is None:
            raise BoxError(f"there is no box {self.name}: run `up {self.name}`")
        return record
