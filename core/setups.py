"""What serves on a host, what served there before, and how much of it is kept.

A setup is all that has to fit together: the build and the model, the proxy's code and virtual
environment, the unit files. One that has transcribed speech is confirmed, and can be gone back to.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise

from core.fingerprint import PATTERN, fingerprint
from core.settings import local_url

KEPT = 3
# What the deploy makes below services/, and what a run that was cut off leaves of it.
OWN = re.compile(
    rf"(whisper\.cpp/build-.+|whisper-proxy|whisper-proxy-venv|confirmed)-{PATTERN}"
    r"(\.partial|\.new|\.tar)?"
)


@dataclass(frozen=True)
class Setup:
    """One setup, known by its directory `name`; what is in place now has the name "now".

    `server` is a fingerprint of the build and whisper-server's unit, `whole` of everything.
    `build`, `proxy` and `venv` are what the links say, empty where there is none. `model` is a file
    name, `listen` the ADDRESS:PORT of the proxy, `port` that of whisper-server.
    """

    name: str
    server: str
    whole: str
    build: str
    proxy: str
    venv: str
    model: str
    listen: str
    port: str

    @property
    def label(self) -> str:
        """For people: "whisper.cpp v1.9.1 with tiny.en"."""
        version = re.sub(rf"^build-(.+)-{PATTERN}$", r"\1", self.build)
        model = self.model.removeprefix("ggml-").removesuffix(".bin")
        return f"whisper.cpp {version} with {model}"

    @property
    def proxy_url(self) -> str:
        """Where the proxy is found on the host itself."""
        return local_url(self.listen)

    @property
    def server_url(self) -> str:
        """Where whisper-server is found."""
        return f"http://127.0.0.1:{self.port}/"

    @property
    def parts(self) -> set[str]:
        """The versioned directories that it consists of, below services/."""
        parts = {self.proxy, self.venv, self.name}
        return {f"whisper.cpp/{self.build}", *parts} - {""}


@dataclass(frozen=True)
class Setups:
    """The setups of a host.

    `now` is None where nothing is set up. `confirmed` are those that transcribed, the one confirmed
    last first; `latest` is the name of the one to go back to when what is new fails. `versions` are
    the directories below services/ that may be versions of something.
    """

    now: Setup | None = None
    confirmed: tuple[Setup, ...] = ()
    latest: str = ""
    versions: tuple[str, ...] = ()

    @property
    def is_confirmed(self) -> bool:
        """Whether what is in place now is what was confirmed last."""
        latest = self.of_latest
        return bool(self.now and latest and latest.whole == self.now.whole)

    @property
    def of_latest(self) -> Setup | None:
        """The setup to put back when what is new fails."""
        return next((setup for setup in self.confirmed if setup.name == self.latest), None)

    def before(self) -> Setup | None:
        """What served before that which is in place now; going back again goes back further."""
        if self.now is None:
            return None
        servers = [setup.server for setup in self.confirmed]
        if self.now.server not in servers:
            return self.of_latest
        older = self.confirmed[servers.index(self.now.server) + 1 :]
        return next((setup for setup in older if self._is_whole(setup)), None)

    def _is_whole(self, setup: Setup) -> bool:
        """Whether no version that a setup needs was removed; what was made by hand is not ours."""
        own = {part for part in setup.parts if OWN.fullmatch(part)}
        return own <= set(self.versions)

    def surplus(self) -> list[str]:
        """Directories below services/ that the deploy made and nothing needs any more.

        The three setups confirmed last stay, the newest of each of the last three builds, and what
        is in place. Nothing is listed whose name is not that of a version: it is the user's.
        """
        newest_of_build = {setup.build: setup for setup in reversed(self.confirmed)}
        builds = list(dict.fromkeys(setup.build for setup in self.confirmed))[:KEPT]
        kept = [*self.confirmed[:KEPT], *(newest_of_build[build] for build in builds)]
        kept += [setup for setup in (self.of_latest, self.now) if setup]
        needed = {part for setup in kept for part in setup.parts}
        return [name for name in self.own() if name not in needed]

    def own(self) -> list[str]:
        """Directories below services/ that the deploy made."""
        return [name for name in self.versions if OWN.fullmatch(name)]


def parse_setups(lines: Iterable[str]) -> Setups:
    """What the fact `setups.Installed` prints.

    A line of words that end in tabs begins each part: `setup NAME BUILD PROXY VENV`, and below it
    whisper-server's unit; `proxy`, and below it the proxy's units; `latest NAME`; `version NAME`.
    """
    parts = list(_parts(lines))
    setups = [
        _setup(words, server, proxy)
        for (words, server), (_, proxy) in pairwise(parts)
        if words[0] == "setup"
    ]
    return Setups(
        now=next((setup for setup in setups if setup.name == "now"), None),
        confirmed=tuple(setup for setup in setups if setup.name != "now"),
        latest=next((words[1] for words, _ in parts if words[0] == "latest"), ""),
        versions=tuple(words[1] for words, _ in parts if words[0] == "version"),
    )


def _parts(lines: Iterable[str]) -> Iterator[tuple[list[str], str]]:
    words: list[str] = []
    text: list[str] = []
    for line in lines:
        if re.match(r"(setup|proxy|latest|version)\t", line):
            if words:
                yield words, "\n".join(text)
            words, text = line.split("\t"), []
        else:
            text.append(line)
    if words:
        yield words, "\n".join(text)


def _setup(words: list[str], server_unit: str, proxy_units: str) -> Setup:
    _, name, build, proxy, venv, *_ = words
    server = _together(build, server_unit)
    return Setup(
        name=name,
        server=server,
        whole=_together(server, proxy, venv, proxy_units),
        build=build,
        proxy=proxy,
        venv=venv,
        model=_setting(server_unit, r"/models/(\S+)", ""),
        listen=_setting(proxy_units, r"^ListenStream=(\S+)", "127.0.0.1:2023"),
        port=_setting(server_unit, r"--port (\d+)", "2022"),
    )


def _together(*parts: str) -> str:
    return fingerprint("\0".join(parts))


def _setting(unit: str, pattern: str, default: str) -> str:
    found = re.search(pattern, unit, re.MULTILINE)
    return found[1] if found else default
