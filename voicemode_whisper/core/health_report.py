"""The health of a host: a check of each part of it, and what fixes that part where it failed."""

import json
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlsplit

from voicemode_whisper.core.acceptance import recorded_speeds
from voicemode_whisper.core.backend_log import usage
from voicemode_whisper.core.build import BACKEND_PACKAGES, NAMES, changed_packages
from voicemode_whisper.core.diagnosis import DEPLOY_AGAIN, Finding
from voicemode_whisper.core.env_file import EnvFile
from voicemode_whisper.core.environment import Setting, proxy_before
from voicemode_whisper.core.generations import CONFIRMED, REJECTED, Generation, Generations
from voicemode_whisper.core.gpu import Gpu, choose_backends
from voicemode_whisper.core.layout import PROXY_UNIT, SERVER_UNIT
from voicemode_whisper.core.listeners import Listener, conflicts, free_port, named, strangers
from voicemode_whisper.core.models import Model, ModelFile
from voicemode_whisper.core.places import LateMount
from voicemode_whisper.core.power import Power, draws_more
from voicemode_whisper.core.services import ServiceState, UnitState, runs
from voicemode_whisper.core.speech import SAMPLE_SECONDS, is_spoken
from voicemode_whisper.core.speed import Speed, fastest
from voicemode_whisper.core.user_manager import (
    Override,
    UserManager,
    check_running,
    find_override,
)
from voicemode_whisper.core.venv import Venv
from voicemode_whisper.core.voicemode_env import (
    LISTEN,
    STT,
    asks_first,
    items,
    reading,
    without_secrets,
)

# What the guide that this project began with measured.
GUIDE = "480 ms total, 93 ms encode, 23x real time (RX 7800 XT, small.en)"
# Seconds that an answer may take more than the build did when it was tried: it may have to queue.
PATIENCE = 2


@dataclass(frozen=True)
class CheckResult:
    """One check: its name, what was found, and what fixes it, empty where nothing is wrong.

    `cause` is why it is not, where that is known and is not what was found. A `warning` is no
    failure: `fix` is what can be done about it.
    """

    name: str
    found: str
    fix: str = ""
    cause: str = ""
    warning: bool = False

    @property
    def failed(self) -> bool:
        """Whether something is wrong."""
        return bool(self.fix) and not self.warning


@dataclass(frozen=True)
class ExpectedState:
    """What is to be there: the backend, the GPU, the model.

    `idle_watts` are those of the idle card before there were services, None where not known;
    `rests` is whether whisper-server is stopped when nobody asks it.
    """

    backend: str
    gpu: Gpu | None
    model: Model
    idle_watts: float | None = None
    rests: bool = False


def expected_backend(setting: str, gpu: Gpu | None, manifest: Mapping[str, Any] | None) -> str:
    """The backend that whisper_backend means on a host with this GPU and this live build.

    Of several the one that was built for. A GPU that was built for and is not shown any more is
    missing, and not done without.
    """
    built = str(manifest["backend"]) if manifest else ""
    if gpu is None:
        if built and setting in ("auto", "fastest"):
            return built
        return setting if setting in ("hip", "vulkan") else "cpu"
    backends = choose_backends(setting, gpu)
    return built if built in backends else backends[0]


def table(results: Sequence[CheckResult]) -> list[tuple[str, str]]:
    """The lines to print, each with its colour, empty for the terminal's own.

    A line for each check; below one that failed, the cause where it is known, and the fix.
    """
    width = max(len(result.name) for result in results)
    lines = []
    for result in results:
        word, colour = _mark(result)
        lines.append((f"{word:<4}  {result.name:<{width}}  {result.found}", colour))
        if result.cause:
            lines.append((f"      {'':<{width}}  cause: {result.cause}", colour))
        if result.fix:
            lines.append((f"      {'':<{width}}  fix: {result.fix}", colour))
    return lines


def _mark(result: CheckResult) -> tuple[str, str]:
    if result.warning:
        return "WARN", "yellow"
    return ("FAIL", "red") if result.failed else ("OK", "")


def verdict(results: Sequence[CheckResult]) -> str:
    """The checks that failed, in a line; empty where none did."""
    failed = [result.name for result in results if result.failed]
    return f"{len(failed)} of {len(results)} checks failed: {', '.join(failed)}" if failed else ""


def backend(
    expected: ExpectedState, serving: Generation | None, backends: Sequence[str]
) -> list[CheckResult]:
    """What the GPU is used through, where there is a choice; yellow if the first was refused.

    `backends` are those that may be tried.
    """
    known = serving.alternatives if serving else ()
    others = [other for other in known if other.backend in backends]
    name = NAMES[expected.backend]
    refused = next((other for other in others if other.refused), None)
    if refused:
        found = f"{name}, as {NAMES[refused.backend]} was refused on {refused.when[:10]}"
        fix = f"{DEPLOY_AGAIN} --data retry=yes  # tries it again"
        return [CheckResult("backend", found, fix, refused.refused, warning=True)]
    timed = [other for other in others if other.milliseconds is not None]
    if not timed:
        return []
    slower = ", ".join(f"{NAMES[one.backend]} takes {one.milliseconds:.0f} ms" for one in timed)
    return [CheckResult("backend", f"{name}, the faster on this card: {slower} without loading")]


def generation(generations: Generations) -> CheckResult:
    """What serves, and what was rejected after it."""
    serving = generations.serving
    if serving is None:
        return CheckResult("generation", "none is set up", DEPLOY_AGAIN)
    found = f"{serving.number} ({serving.label}), {serving.status}"
    found += f" {serving.when[:10]}" if serving.when else ""
    if serving.status != CONFIRMED:
        return CheckResult("generation", found, DEPLOY_AGAIN)
    rejected = [one for one in generations.all if one.status == REJECTED]
    if rejected and rejected[-1].number > serving.number:
        last = rejected[-1]
        found += f"; {last.title} was rejected on {last.when[:10]}: {last.reason}"
    return CheckResult("generation", found)


def gpu(expected: ExpectedState) -> CheckResult:
    """The GPU that the kernel shows."""
    if expected.gpu:
        return CheckResult(
            "GPU", expected.gpu.label + ("; not used" if expected.backend == "cpu" else "")
        )
    if expected.backend != "cpu":
        found = f"the kernel shows none, instead of one for {NAMES[expected.backend]}"
        return CheckResult("GPU", found, "sudo dmesg | grep -E 'amdgpu|kfd'")
    return CheckResult("GPU", "none; the CPU is used")


# How the packages of a backend are called.
PACKAGES = {"hip": "ROCm", "vulkan": "Vulkan", "cpu": "packages"}


def packages(expected: ExpectedState, missing: Sequence[str], tools: Sequence[str]) -> CheckResult:
    """The packages: `missing` are those that are not there, `tools` versions of those that are."""
    name = PACKAGES[expected.backend]
    if missing:
        return CheckResult(
            name, f"lacks {', '.join(missing)}", f"sudo pacman -Syu {' '.join(missing)}"
        )
    told = BACKEND_PACKAGES[expected.backend] or ("c++",)
    return CheckResult(name, ", ".join(tool for tool in tools if tool.startswith(told)))


def changed_build(path: str, files: Sequence[str]) -> CheckResult:
    """A build at `path` of which these files are not those that were accepted."""
    found = f"changed since it was accepted: {', '.join(files)}"
    return CheckResult("build", found, f"rm -r {path} && {DEPLOY_AGAIN}")


def build(
    expected: ExpectedState, there: bool, manifest: Mapping[str, Any] | None, tools: Sequence[str]
) -> CheckResult:
    """The live build: `there` is whether there is one, the manifest is None for one by hand."""
    if not there:
        return CheckResult("build", "there is none", DEPLOY_AGAIN)
    if manifest is None:
        return CheckResult("build", "made by hand, from what is not known", DEPLOY_AGAIN)
    label = f"whisper.cpp {manifest['release']['label']}"
    if manifest["backend"] != expected.backend:
        found = f"{label} for {manifest['backend']}, asked for is {expected.backend}"
        return CheckResult("build", found, DEPLOY_AGAIN)
    built = manifest["built"][:10]
    if expected.backend == "cpu":
        return CheckResult("build", f"{label} for the CPU, of {built}")
    if expected.backend == "vulkan":
        return CheckResult("build", f"{label} with Vulkan, of {built}")
    targets = _targets(manifest)
    if expected.gpu and expected.gpu.target not in targets:
        found = f"{label} for {', '.join(targets)}: no code for {expected.gpu.target}"
        return CheckResult("build", found, f"{DEPLOY_AGAIN} --data gpu_targets=auto")
    changed = changed_packages(manifest, tools)
    if changed:
        found = f"{label} of {built}, when ROCm was another: now {', '.join(changed)}"
        return CheckResult("build", found, DEPLOY_AGAIN)
    return CheckResult("build", f"{label} for {', '.join(targets)}, of {built}")


def _targets(manifest: Mapping[str, Any]) -> list[str]:
    option = "-DAMDGPU_TARGETS="
    found = (word for word in manifest["cmake_arguments"] if word.startswith(option))
    return next(found, option).removeprefix(option).split(";")


def model(
    expected: ExpectedState, path: str, file: ModelFile | None, taken: str = "", served: str = ""
) -> CheckResult:
    """The model at `path`: `file` is what is known of it, None where there is none.

    `taken` is the SHA-256 of the whole file, where it was taken now; `served` the name of the model
    that serves, where that is known.
    """
    name = expected.model.name
    if served and served != name:
        return CheckResult("model", f"{served} serves, asked for is {name}", DEPLOY_AGAIN)
    if file is None:
        return CheckResult("model", f"{name} is not there", DEPLOY_AGAIN)
    if (taken or file.sha256) != expected.model.sha256:
        found = f"{expected.model.file_name} is another file than {name}"
        # What a sample of it does not show, the deploy does not see either: it is to read it all.
        touch = f"touch {path} && " if file.sha256 == expected.model.sha256 else ""
        return CheckResult("model", found, touch + DEPLOY_AGAIN)
    if file.stamped and not taken:
        return CheckResult("model", f"{name}, a sample of it is as when its SHA-256 was right")
    return CheckResult("model", f"{name}, its SHA-256 is right")


def access(finding: Finding | None, tried: bool, backend: str = "hip") -> CheckResult:
    """Whether the user's services may use the GPU's devices; `tried` is whether one could try."""
    if finding:
        return CheckResult("access", finding.what, finding.fix)
    if not tried:
        found = "not known: the user's service manager starts nothing"
        return CheckResult("access", found, "systemctl --user status")
    what = "/dev/kfd and the render node" if backend == "hip" else "the render node"
    return CheckResult("access", f"the user's services may open {what}")


def in_use(expected: ExpectedState, log: Sequence[str], memory: int | None) -> str:
    """The GPU that whisper-server uses, as its log tells, and its memory as the kernel does."""
    used = usage(log)
    named = f"{used.device} ({used.gfx})" if used.gfx else used.device
    name = named or (expected.gpu and expected.gpu.label)
    return f"{name}, {memory >> 20} MiB of its memory" if memory else str(name)


def device(
    mismatch: str | None, cause: Finding | None, used: str, access: Finding | None = None
) -> CheckResult:
    """What whisper-server computes on: `mismatch` where it should not, `used` where it should.

    `access` is what the check of access has found.
    """
    name = "device in use"
    if mismatch is None:
        return CheckResult(name, used)
    if cause is None:
        return CheckResult(name, mismatch, _restart(SERVER_UNIT))
    if cause == access:
        fix = f"systemctl --user restart {SERVER_UNIT}  # once access is fixed"
        return CheckResult(name, mismatch, fix, "see access")
    return CheckResult(name, mismatch, cause.fix, cause.what)


def service(
    name: str,
    unit: str,
    state: ServiceState,
    overrides: Sequence[Override] = (),
    late: Sequence[LateMount] = (),
) -> CheckResult:
    """A unit of the user's: whether it is the deploy's and runs what that means it to.

    `overrides` are the files that change it, `late` is as for `linger`.
    """
    found = state.units.get(unit, UnitState())
    if not found.enabled:
        return CheckResult(name, f"there is no {unit}", DEPLOY_AGAIN)
    finding = find_override(overrides, unit) or _changed(unit, state)
    if finding:
        return CheckResult(name, finding.what, finding.fix)
    if found.active != "active":
        return CheckResult(name, f"{unit} is {found.active}", _restart(unit))
    if found.enabled != "enabled":
        fix = f"systemctl --user enable {unit}"
        return CheckResult(name, f"{unit} runs, but is not enabled", fix)
    tuned = [one.path for one in overrides if one.unit == unit]
    by = f", tuned by {' and '.join(tuned)}" if tuned else ""
    return CheckResult(name, f"{unit} runs, and after a {'login' if late else 'boot'} too{by}")


def woken(heard: str, body: str) -> CheckResult:
    """What came of a request to a whisper-server that was idle; `body` is the proxy's /health."""
    name, was = "idle stop", "whisper-server was idle, as nothing was asked for"
    if not is_spoken(heard):
        found = f"{was}, and is not started by a request: {heard[:160] or 'no answer'}"
        return CheckResult(name, found, f"journalctl --user -u {SERVER_UNIT} -u {PROXY_UNIT} -n 20")
    seconds = _health(body).get("wake_seconds")
    took = "" if seconds is None else f" in {seconds:.1f} s"
    return CheckResult(name, f"{was}, and a request has started it{took}")


def _changed(unit: str, state: ServiceState) -> Finding | None:
    """Whether somebody else wrote the unit since, or it runs another program than it should."""
    found, program = state.units[unit], state.programs.get(unit)
    if found.enabled.startswith("masked"):
        return Finding(f"{unit} is masked", DEPLOY_AGAIN)
    if unit in state.differing:
        return Finding(f"{unit} is not as the deploy wrote it", DEPLOY_AGAIN)
    if program and found.pid and not runs(found, program):
        return Finding(f"{unit} runs {found.program} instead of {program}", DEPLOY_AGAIN)
    return None


def port(
    name: str, address: tuple[str, int], listeners: Sequence[Listener], uid: int
) -> CheckResult:
    """Who listens where a service should, by the setting of the port."""
    taken = strangers(listeners, *address, uid)
    if taken:
        found = f"{address[1]} is taken by {named(taken)}"
        free = free_port(address[1], {one.port for one in listeners})
        fix = f"{DEPLOY_AGAIN} --data {name}={free}  # or end what has it"
        return CheckResult(name, found, fix)
    own = [one for one in listeners if conflicts(one, *address)]
    return CheckResult(name, f"{address[1]}: {named(own) if own else 'nobody else has it'}")


def manager(state: UserManager, uid: int) -> CheckResult:
    """The user's own service manager."""
    finding = check_running(state, uid)
    if finding:
        return CheckResult("user manager", finding.what, finding.fix)
    failed = f", though {' and '.join(state.failed)} has failed there" if state.failed else ""
    return CheckResult("user manager", f"user@{uid}.service runs{failed}")


def _restart(unit: str) -> str:
    return f"systemctl --user restart {unit}; journalctl --user -u {unit} -n 20"


def python(venv: Venv | None, proxy: UnitState) -> CheckResult:
    """The Python that the proxy runs on, in the virtual environment of what serves."""
    if venv is None:
        return CheckResult("Python", "the proxy's virtual environment is not there", DEPLOY_AGAIN)
    if venv.problem:
        runs = proxy.active == "active"
        lasts = "runs on until it is restarted" if runs else "does not start"
        return CheckResult("Python", f"{venv.problem}: the proxy {lasts}", DEPLOY_AGAIN)
    if venv.reason_to_replace:
        found = f"the proxy's virtual environment goes with it: {venv.reason_to_replace}"
        return CheckResult("Python", found, DEPLOY_AGAIN)
    found = f"{venv.version} ({venv.interpreter})"
    if proxy.program.endswith(" (deleted)"):
        found += "; the proxy runs the one from before an upgrade until it is restarted"
    return CheckResult("Python", found)


def caused_by(cause: CheckResult, result: CheckResult) -> CheckResult:
    """The result of a check that failed because another did: what mends that mends it too."""
    if not cause.fix or not result.fix:
        return result
    return replace(result, fix=cause.fix, cause=f"see {cause.name}")


def linger(lingers: bool, user: str, late: Sequence[LateMount] = ()) -> CheckResult:
    """Whether the services run without a login.

    They cannot where what they consist of is on file systems that are mounted then, the late ones.
    """
    name, disable = "without a login", f"sudo loginctl disable-linger {shlex.quote(user)}"
    mounts = " and ".join(map(str, late))
    if late and lingers:
        found = f"nothing runs: {mounts} is mounted after {user}'s service manager has started"
        again = "systemctl --user daemon-reload && systemctl --user start default.target"
        return CheckResult(name, found, f"{disable} && {again}  # they start at login then")
    if late:
        return CheckResult(name, f"nothing runs, as {mounts} is mounted at login; then they start")
    if lingers:
        return CheckResult(name, "the services run")
    return CheckResult(name, "nothing runs", f"sudo loginctl enable-linger {shlex.quote(user)}")


def endpoint(name: str, url: str, status: int, body: str, unit: str) -> CheckResult:
    """What a server answers at its /health: the HTTP status, 0 where nobody answers.

    What the proxy complains of is whisper-server.
    """
    if status == 0:
        return CheckResult(name, f"nobody answers at {url}", _restart(unit))
    said = _health(body)
    if status != 200 or said.get("status") == "degraded":
        word = said.get("status") or f"HTTP status {status}"
        # What follows the semicolon there is who says more: that is here.
        reason = str(said.get("reason") or "").partition(";")[0].rstrip(".")
        return CheckResult(name, f"{url} says {word}{reason and ': '}{reason}", _see(said))
    return CheckResult(name, f"{url} answers")


def _see(said: Mapping[str, Any]) -> str:
    """Where to look for what a server complains of."""
    rows = {"decoder": "see decoding", "spool": "see uploads"}
    broken = [rows[part] for part in said.get("broken") or () if part in rows]
    if said.get("in_use") == "cpu":
        return "see device in use"
    return broken[0] if broken else f"journalctl --user -u {SERVER_UNIT} -n 20"


def _health(body: str) -> dict[str, Any]:
    try:
        said = json.loads(body)
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}


def requests_ahead(body: str) -> int:
    """How many requests the proxy has that came before, as its /health says."""
    queue = _health(body).get("queue") or {}
    return sum(int(queue.get(name, 0)) for name in ("running", "waiting"))


def speech(url: str, text: str, seconds: float, best: Speed | None, ahead: int = 0) -> CheckResult:
    """What the proxy makes of the sample, in so many seconds; `best` is what the build can do.

    It waits for `ahead` others: then nothing follows from the time.
    """
    if not is_spoken(text):
        found = f"{url} does not transcribe the sample: {text[:160] or 'no answer'}"
        return CheckResult("speech", found, DEPLOY_AGAIN)
    found = f"the sample of {SAMPLE_SECONDS} s transcribed in {seconds:.2f} s"
    if ahead:
        return CheckResult("speech", f"{found}, after {ahead} others")
    if best and seconds > best.total / 1000 * 2 + PATIENCE:
        found += f", where {best.total / 1000:.2f} s were enough when it was built"
        return CheckResult(
            "speech", found, "rocm-smi; top  # end what else uses the GPU or the CPU"
        )
    return CheckResult("speech", found)


def power(expected: ExpectedState, now: Power, serves: bool, ahead: int = 0) -> CheckResult:
    """What the idle card draws; `serves` is whether a whisper-server runs, which keeps it awake.

    While `ahead` requests are running or waiting, nothing follows from it. How busy it says it is
    does not count: with the fault that is looked for, an idle card says 100 % (ROCm issue 2625).
    """
    if now.watts is None:
        return CheckResult("power", "not known: the kernel does not say what the GPU draws")
    found = _drawn(now, expected.gpu)
    if ahead:
        return CheckResult("power", f"{found}, not idle: {ahead} requests are ahead")
    found += f", whisper-server {'idle' if serves else 'not running'}"
    before = expected.idle_watts
    found += "" if before is None else f"; {before:.0f} W before it was set up"
    if not serves or not draws_more(now.watts, before):
        return CheckResult("power", found)
    if expected.rests:
        return CheckResult("power", f"{found}; idle_stop ends that")
    return CheckResult(
        "power",
        found,
        f"{DEPLOY_AGAIN} --data idle_stop=15min",
        "some firmware keeps the clocks up while a program has a context on the card, idle or not; "
        "or another program uses it now",
    )


def load(expected: ExpectedState, most: Power) -> list[CheckResult]:
    """What the GPU did while the sample was transcribed, where the kernel tells."""
    known = most != Power()
    return [CheckResult("load", f"up to {_drawn(most, expected.gpu)}")] if known else []


def _drawn(power: Power, gpu: Gpu | None) -> str:
    """Watts and percent, as far as they are known, for people: "12 W, 3 % busy"."""
    whole = " for the whole processor" if gpu and gpu.integrated else ""
    watts = [] if power.watts is None else [f"{power.watts:.0f} W{whole}"]
    return ", ".join([*watts, *([] if power.busy is None else [f"{power.busy} % busy"])])


def speed(expected: ExpectedState, manifest: Mapping[str, Any] | None) -> list[CheckResult]:
    """How fast the build was when it was tried, each way, beside the guide's."""
    speeds = recorded_speeds(manifest or {}, expected.model)
    best = fastest(speeds)
    if best is None:
        return [CheckResult("speed", f"never measured with {expected.model.name}", DEPLOY_AGAIN)]
    others = [speed for speed in speeds if speed != best]
    other = f", {_with(others[0])} {others[0].total:.0f} ms" if others else ""
    own = f"{best.label} ({expected.model.name}, {_with(best)} flash attention{other})"
    return [CheckResult("speed", own), CheckResult("guide's speed", GUIDE)]


def _with(speed: Speed) -> str:
    return "with" if speed.flash_attention else "without"


def voicemode(url: str, file: EnvFile, user: str, environment: Sequence[Setting]) -> CheckResult:
    """Which server VoiceMode asks first, and whose line says so.

    The environment counts before its file.
    """
    name = "VoiceMode"
    others = _elsewhere(name, STT, url, environment)
    if others:
        return others
    problem = file.unreadable(user)
    if problem:
        what, _, fix = problem.removeprefix("VoiceMode: ").rpartition("; ")
        return CheckResult(name, what, fix.removeprefix("run: "))
    found = reading(file.text or "", STT)
    if found is None:
        return CheckResult(name, f"{file.path} does not name the proxy", DEPLOY_AGAIN)
    where = f"{file.path}, line {found.line.number}"
    if not asks_first(found.value, url):
        return CheckResult(name, f"{where} says {_shown(found.value)}", DEPLOY_AGAIN)
    return CheckResult(
        name,
        f"is pointed at {url} by {where}{_behind(found.value)}; "
        f"one that runs reads it when it is restarted{_through_a_proxy(url, environment)}",
    )


def _elsewhere(name: str, key: str, url: str, environment: Sequence[Setting]) -> CheckResult | None:
    others = [one for one in environment if one.key == key and not _is_right(one, url)]
    if not others:
        return None
    found = "; ".join(f"{one.path} says {_shown(one.value)} (line {one.line})" for one in others)
    fix = "; ".join(dict.fromkeys(one.fix(url) for one in others))
    return CheckResult(name, found, f"{fix}  # then restart Claude Code")


def _is_right(setting: Setting, url: str) -> bool:
    """`listen` takes one address, and no list."""
    return asks_first(setting.value, url) and not (setting.key == LISTEN and "," in setting.value)


def _shown(value: str) -> str:
    return without_secrets(value) or "nothing"


def _through_a_proxy(url: str, environment: Sequence[Setting]) -> str:
    """That VoiceMode asks an HTTP proxy for what is on this machine, if it does."""
    address = urlsplit(url).hostname or ""
    proxy = proxy_before(address, environment)
    if not proxy:
        return ""
    return (
        f"; {proxy.path}, line {proxy.line}, has it ask {proxy.key} for that: "
        f"add {address} to no_proxy"
    )


def _behind(value: str) -> str:
    """Who gets what the proxy does not answer: VoiceMode goes on where it hears nothing, too."""
    behind = ", ".join(map(without_secrets, items(value)[1:]))
    return f", and silence and what fails go to {behind}" if behind else ""


def voicemode_listen(url: str, environment: Sequence[Setting]) -> CheckResult:
    """Which server VoiceMode's `listen` asks: it reads the environment, and no file."""
    name = "VoiceMode listen"
    others = _elsewhere(name, LISTEN, url, environment)
    if others:
        return others
    if any(one.key == LISTEN for one in environment):
        return CheckResult(name, f"is pointed at {url}")
    return CheckResult(name, f"is not set up; who wants it: export {LISTEN}={url}")
