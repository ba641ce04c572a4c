"""Which ggml model `whisper_model` names, and how to know that the file is the right one."""

import difflib
import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import PurePosixPath
from urllib.parse import quote, unquote, urlsplit

from voicemode_whisper.core.errors import UserError
from voicemode_whisper.core.model_sums import KNOWN
from voicemode_whisper.core.urls import is_http_url, masked

# As the proxy has it: whisper_proxy/settings.py.
ENGLISH_ONLY = re.compile(r"\.en(-|$)")


@dataclass(frozen=True)
class Model:
    """A ggml model file: `url` may be http, https or file; `size` in bytes, where known.

    The URL may carry credentials: see `core.urls`.
    """

    file_name: str
    url: str = field(repr=False)
    sha256: str
    size: int | None

    @property
    def name(self) -> str:
        """The model's short name: "small.en" for ggml-small.en.bin."""
        return self.file_name.removeprefix("ggml-").removesuffix(".bin")

    @property
    def is_english_only(self) -> bool:
        """Whether it knows no language but English, as its name tells."""
        return bool(ENGLISH_ONLY.search(self.name))


def resolve_model(given: object, sha256: object, source: str) -> Model:
    """The model that `whisper_model` names: a published name, a URL, or a path on the host."""
    if not isinstance(given, str) or ("/" not in given and given not in KNOWN):
        raise UserError(_unknown(given))
    if given in KNOWN:
        return _published(given, str(sha256 or ""), source)
    url = given if "://" in given else f"file://{quote(given)}"
    return _own(given, url, str(sha256 or ""))


def listed_model(given: str, source: str) -> Model:
    """The model that an item of `models` names: as whisper_model, its SHA-256 behind #sha256=."""
    name, _, sha256 = given.partition("#sha256=")
    try:
        return resolve_model(name, sha256, source)
    except UserError as error:
        setting, _, reason = str(error).partition(": ")
        where = ", as #sha256=… behind it" if setting == "model_sha256" and not sha256 else ""
        raise UserError(f"models: {reason}{where}") from None


@dataclass(frozen=True)
class ModelFile:
    """A file in the models' directory: its SHA-256, and the one that its stamp was taken for.

    `stamped` is whether the stamp is of this very file (same size, mtime and inode), `recorded`
    what it says, empty where there is none.
    """

    sha256: str
    stamped: bool = False
    recorded: str = ""

    to_json = asdict  # for `pyinfra … fact`


def choose_file(model: Model, files: Mapping[str, ModelFile]) -> str:
    """The name of the model's file on a host that has these files, by name.

    A file is never overwritten by another model: that gets a name of its own, with the first twelve
    digits of its SHA-256. One that was this model and is damaged is replaced.
    """
    plain, own = candidate_files(model)
    if own in files and files[own].sha256 == model.sha256:
        return own
    there = files.get(plain)
    return plain if there is None or model.sha256 in (there.sha256, there.recorded) else own


def file_of(model: Model, files: Mapping[str, ModelFile]) -> str | None:
    """The name of the model's file if it is among these and is right."""
    name = choose_file(model, files)
    return name if name in files and files[name].sha256 == model.sha256 else None


def candidate_files(model: Model) -> tuple[str, str]:
    """The names that the model's file may have."""
    stem = model.file_name.removesuffix(".bin")
    return model.file_name, f"{stem}-{model.sha256[:12]}.bin"


def parse_model_files(lines: Iterable[str]) -> dict[str, ModelFile]:
    """What model-files.sh prints: a line NAME SHA256 STAMPED RECORDED for each file."""
    words = (line.split(" ") for line in lines)
    return {
        name: ModelFile(sha256, stamped == "yes", recorded)
        for name, sha256, stamped, recorded in words
    }


def _published(name: str, sha256: str, source: str) -> Model:
    size, known = KNOWN[name]
    if sha256 and sha256.lower() != known:
        raise UserError(
            f"model_sha256: got {sha256!r}, but {name} is {known}; leave model_sha256 empty for a "
            "model given by name"
        )
    # A token in the query stays behind the path.
    parts = urlsplit(source)
    url = parts._replace(path=f"{parts.path.rstrip('/')}/ggml-{name}.bin").geturl()
    return Model(f"ggml-{name}.bin", url, known, size)


def _own(given: str, url: str, sha256: str) -> Model:
    parts = urlsplit(url)
    file_name = PurePosixPath(unquote(parts.path)).name
    remote, shown = is_http_url(url), masked(given)
    local = parts.scheme == "file" and given.startswith("/")
    if not (remote or local) or not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*\.bin", file_name):
        raise UserError(
            f"whisper_model: got {shown!r}; allowed is a published name, or an http(s) URL or an "
            "absolute path that ends in a file name such as ggml-NAME.bin"
        )
    if not re.fullmatch(r"[0-9a-fA-F]{64}", sha256):
        raise UserError(
            f"model_sha256: got {sha256!r}; {shown} needs the 64 hexadecimal digits that "
            "`sha256sum` prints for it"
        )
    return Model(file_name, url, sha256.lower(), None)


def _unknown(given: object) -> str:
    close = difflib.get_close_matches(str(given), KNOWN, n=1)
    hint = f" (did you mean {close[0]}?)" if close else ""
    names = ", ".join(KNOWN)
    shown = masked(given) if isinstance(given, str) else given
    return f"whisper_model: got {shown!r}{hint}; allowed is a URL, an absolute path, or {names}"
