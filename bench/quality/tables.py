"""The tables, and what is wrong with what they say."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from operator import attrgetter

from ..table import aligned, number
from .measure import Encoded, Measured, Speech
from .scores import TimeErrors, differing, normalised, start_errors, time_errors, word_errors
from .servers import Heard
from .speech import READ, RECORDED

Way = Callable[[Speech], Heard]

STRAIGHT: Way = attrgetter("straight")
PROXIED: Way = attrgetter("proxied")
WITHOUT_VAD: Way = attrgetter("without_vad")
WAYS = {
    "straight": STRAIGHT,
    "through the proxy": PROXIED,
    "straight, without VAD": WITHOUT_VAD,
}


def models(measured: Sequence[Measured]) -> str:
    """Return the table with a column for each model."""
    header = ("", *(one.model for one in measured))
    rows: dict[str, Callable[[Measured], str]] = {
        **{
            f"WER, {kind}, {name}": partial(_rate, kind=kind, way=way)
            for kind in (RECORDED, READ)
            for name, way in WAYS.items()
        },
        "words that the proxy costs": lambda one: str(_cost(one)),
        "real-time factor, straight": partial(_factor, way=STRAIGHT),
        "real-time factor, through the proxy": partial(_factor, way=PROXIED),
        "real-time factor, straight, without VAD": partial(_factor, way=WITHOUT_VAD),
        "start of a word, median error": lambda one: number(1000 * _times(one).median, "ms"),
        "start of a word, 95th percentile": lambda one: number(1000 * _times(one).p95, "ms"),
        "words where nobody speaks, through the proxy": lambda one: str(_invented(one)),
        "the same, straight, without VAD": lambda one: str(_invented_without_vad(one)),
    }
    lines = [(name, *map(figure, measured)) for name, figure in rows.items()]
    return aligned([header, *lines])


def formats(measured: Measured) -> str:
    """Return the table of formats: those that keep every sample, and the others."""
    header = ("", "formats", "WER, straight", "through the proxy", "words that it costs")
    names = {one.format for one in measured.encoded}
    lossy = {one.format for one in measured.encoded if not one.lossless}
    kinds = {"lossless": names - lossy, "lossy": lossy}
    rows = [
        _format_row(kind, [one for one in measured.encoded if one.format in some])
        for kind, some in kinds.items()
        if some
    ]
    return aligned([header, *rows])


def _format_row(kind: str, encoded: Sequence[Encoded]) -> tuple[str, ...]:
    straight = word_errors((one.recording.text, one.straight) for one in encoded)
    proxied = word_errors((one.recording.text, one.proxied) for one in encoded)
    cost = sum(differing(one.straight, one.proxied) for one in encoded)
    rates = (percent(straight.rate), percent(proxied.rate))
    return (kind, str(len({one.format for one in encoded})), *rates, str(cost))


def problems(measured: Measured) -> Iterator[str]:
    """Yield a line for each transcript that the proxy must not give."""
    for one in measured.speech:
        if differing(one.straight.text, one.proxied.text):
            yield _differs(measured, one.recording.name, one.straight.text, one.proxied.text)
    for other in measured.encoded:
        if differing(other.straight, other.proxied):
            name = f"{other.recording.name} in {other.format}"
            yield _differs(measured, name, other.straight, other.proxied)
    for noise in measured.noises:
        if noise.proxied:
            level = ", quieter" if noise.quieter else ""
            yield f"{measured.model}, {noise.sound}{level}: the proxy heard {noise.proxied!r}"


def _differs(measured: Measured, name: str, straight: str, proxied: str) -> str:
    return f"{measured.model}, {name}: straight {straight!r}, through the proxy {proxied!r}"


def _rate(measured: Measured, kind: str, way: Way) -> str:
    some = [one for one in measured.speech if one.recording.kind == kind]
    return percent(word_errors((one.recording.text, way(one).text) for one in some).rate)


def percent(share: float) -> str:
    """Return a share in percent, to a tenth."""
    return f"{100 * share:.1f} %"


def _cost(measured: Measured) -> int:
    speech = sum(differing(one.straight.text, one.proxied.text) for one in measured.speech)
    return speech + sum(differing(one.straight, one.proxied) for one in measured.encoded)


def _factor(measured: Measured, way: Way) -> str:
    audio = sum(one.recording.seconds for one in measured.speech)
    return f"{sum(way(one).seconds for one in measured.speech) / audio:.2f}"


def _times(measured: Measured) -> TimeErrors:
    errors = [
        error
        for one in measured.speech
        if one.recording.starts
        for error in start_errors(one.recording.text, one.recording.starts, one.words)
    ]
    return time_errors(errors)


def _invented(measured: Measured) -> int:
    return sum(len(one.proxied.split()) for one in measured.noises)


def _invented_without_vad(measured: Measured) -> int:
    return sum(len(normalised(one.without_vad).split()) for one in measured.noises)
