"""Stop a script of the deploy on a box between two of its steps.

A step is a command that the script runs. Wrappers come before those commands on the PATH, for the
user's shells alone; they count, and hold the script still where it is to stop.
"""

import time

from tests.boxes import Box

PLACE = "/run/breakpoint"
SCRIPTS = ("adopt-setup", "write-generation", "activate-generation", "write")
COMMANDS = ("cp", "ln", "mkdir", "mv", "rm", "sync", "systemctl")
PATIENCE = 120  # seconds until a run comes to its breakpoint

# A script is run as `sh -c TEXT NAME ARGUMENTS`: its name stands on a line of the command line.
WRAPPER = f"""#!/bin/sh
name=$(tr '\\0' '\\n' < /proc/$PPID/cmdline | grep -xE -m 1 '{"|".join(SCRIPTS)}')
if [ -n "$name" ] && [ -d {PLACE} ]; then
  echo "$name ${{0##*/}}" >> {PLACE}/steps
  if [ "$(wc -l < {PLACE}/steps)" -eq "$(cat {PLACE}/stop 2>/dev/null || echo 0)" ]; then
    touch {PLACE}/reached
    sleep 1000
  fi
fi
exec "/usr/bin/${{0##*/}}" "$@"
"""


def install(box: Box, stop: int = 0) -> None:
    """Count steps from now on, and stop before the step `stop`, if it is given."""
    box.run(f"rm -rf {PLACE} && mkdir -m 777 {PLACE} && echo {stop} > {PLACE}/stop", user="root")
    box.run(
        "cat > /usr/local/bin/step && chmod 755 /usr/local/bin/step", user="root", input=WRAPPER
    )
    links = " && ".join(f"ln -f /usr/local/bin/step /usr/local/bin/{name}" for name in COMMANDS)
    box.run(links, user="root")


def remove(box: Box) -> None:
    """Count no more."""
    names = " ".join(f"/usr/local/bin/{name}" for name in ("step", *COMMANDS))
    box.run(f"/bin/rm -rf {PLACE} {names}", user="root")


def steps(box: Box) -> list[str]:
    """The steps that were counted, as SCRIPT COMMAND."""
    return box.run(f"cat {PLACE}/steps 2>/dev/null || true").stdout.splitlines()


def await_stop(box: Box) -> None:
    """Return when a script stands still at the breakpoint."""
    deadline = time.monotonic() + PATIENCE
    while box.run(f"test -e {PLACE}/reached", check=False).returncode:
        assert time.monotonic() < deadline, "the run did not come to its breakpoint"
        time.sleep(0.1)
