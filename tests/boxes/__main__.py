"""`python -m tests.boxes`: real machines to try the deploy on, made with systemd-nspawn."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Callable
from typing import NoReturn

from . import fleet, requirements, ssh, state
from .box import Box
from .shell import BoxError

Options = argparse.Namespace


def main(argv: list[str]) -> int:
    """Run one command; 0 done, 1 could not be done, 2 asked wrongly."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    options = _parser().parse_args(argv)
    try:
        for name in options.names:
            fleet.check_name(name)
    except BoxError as error:
        return _complain(error, 2)
    command: Callable[[Options], None] = options.command
    try:
        command(options)
    except BoxError as error:
        return _complain(error, 1)
    except KeyboardInterrupt:
        return _complain(BoxError("interrupted"), 130)
    return 0


class _Parser(argparse.ArgumentParser):
    """A parser that complains in one line."""

    def error(self, message: str) -> NoReturn:
        """Say what was wrong with the command line, and exit with 2."""
        self.exit(2, f"boxes: {message}; see {self.prog} --help\n")


def _complain(error: BoxError, status: int) -> int:
    print(f"boxes: {error}", file=sys.stderr)
    return status


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="python -m tests.boxes", description=__doc__)
    parser.set_defaults(names=[])
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    add = _adder(commands)
    add(_up, "up", "raise boxes").add_argument("names", nargs="+", metavar="NAME")
    add(_down, "down", "end boxes, or all of them").add_argument("names", nargs="*", metavar="NAME")
    add(_reboot, "reboot", "restart a box").add_argument("names", nargs=1, metavar="NAME")
    add(_list, "list", "show the boxes")
    add(_setup, "setup", "install the Debian packages that boxes need")
    add(_prepare, "prepare", "build what boxes are made of, where it is missing")
    shell = add(_ssh, "ssh", "log in to a box, or run a command there: ssh NAME -- COMMAND...")
    shell.add_argument("names", nargs=1, metavar="NAME")
    shell.add_argument("words", nargs=argparse.REMAINDER, metavar="-- COMMAND")
    return parser


def _adder(
    commands: argparse._SubParsersAction[_Parser],
) -> Callable[[Callable[[Options], None], str, str], argparse.ArgumentParser]:
    def add(command: Callable[[Options], None], name: str, text: str) -> argparse.ArgumentParser:
        parser = commands.add_parser(name, help=text)
        parser.set_defaults(command=command)
        return parser

    return add


def _up(options: Options) -> None:
    boxes = fleet.up(*options.names)
    _table([(box.name, box.address, f"python -m tests.boxes ssh {box.name}") for box in boxes])


def _down(options: Options) -> None:
    _need_root()
    for name in options.names:
        if not (state.RUN / name).exists():
            raise BoxError(f"there is no box {name}")
    fleet.down(*options.names)


def _reboot(options: Options) -> None:
    _running(options.names[0]).reboot()


def _list(options: Options) -> None:
    boxes = [(Box.of(record), record.up) for record in state.records()]
    _table([(box.name, box.address, "up" if is_up else "down") for box, is_up in boxes])


def _setup(options: Options) -> None:
    requirements.ensure()


def _prepare(options: Options) -> None:
    fleet.prepare()


def _ssh(options: Options) -> None:
    box = _running(options.names[0])
    words = options.words[1:] if options.words[:1] == ["--"] else options.words
    command = [*ssh.arguments(box.address), *words]
    os.execvp(command[0], command)


def _running(name: str) -> Box:
    _need_root()
    record = state.load(name)
    if not record or not record.up:
        raise BoxError(f"box {name} is not up: run `python -m tests.boxes up {name}`")
    return Box.of(record)


def _need_root() -> None:
    if os.geteuid() != 0:
        raise BoxError(requirements.unusable() or "boxes need root")


def _table(rows: list[tuple[str, str, str]]) -> None:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        print(
            "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
