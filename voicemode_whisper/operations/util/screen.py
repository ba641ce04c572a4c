"""The lines at the end of the terminal that are redrawn in place: one for each host at work."""

import logging
import os
import shutil
from typing import Any

import click
import pyinfra
from pyinfra import progress
from pyinfra.api.output import set_echo

from voicemode_whisper.core.progress import redrawn, status

# What a status line begins with on its way from a host.
MARK = "~status~ "


class Screen:
    """Status lines below all other output. pyinfra's spinner has the line below them."""

    def __init__(self) -> None:
        self._lines: dict[str, str] = {}
        self._drawn = 0

    def install(self) -> None:
        """Take over pyinfra's output from click; more than once does no harm."""
        set_echo(self.echo)
        pyinfra.logger.addFilter(self._make_way)

    def echo(self, message: Any = None, **options: Any) -> None:
        """Print a message as click does, but a status line in place of its host's last one."""
        prefix, mark, line = str(message).partition(MARK)
        if mark:
            self._lines[prefix] = line
            self._draw(self._lines)
        else:
            self._draw({})
            click.echo(message, **options)

    def end(self, prefix: str) -> None:
        """Remove a host's line, if it has one."""
        if self._lines.pop(prefix, None) is not None:
            self._draw(self._lines)

    def _make_way(self, _: logging.LogRecord) -> bool:
        """Log messages are printed past `echo`. The status lines return at their next change."""
        self._draw({})
        return True

    def _draw(self, lines: dict[str, str]) -> None:
        if not (lines or self._drawn):
            return
        columns, rows = shutil.get_terminal_size()
        # The last column stays free, as some terminals wrap when it is written to.
        shown = [
            status(f"    {click.unstyle(prefix)}", line, columns - 1)
            for prefix, line in lines.items()
        ][: max(rows - 2, 1)]
        click.echo(redrawn(shown, over=self._drawn), nl=False, err=True)
        self._drawn = len(shown)


SCREEN = Screen()


def on_terminal() -> bool:
    """Whether pyinfra's command line writes to a terminal and may draw there."""
    wanted = os.environ.get("PYINFRA_PROGRESS") != "off"
    return pyinfra.is_cli and progress.IS_TTY and wanted
