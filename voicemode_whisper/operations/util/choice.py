"""Which of several specs is to be tried, and which serves, as their builds on the host tell."""

from collections.abc import Callable

from pyinfra import host

from voicemode_whisper.core.acceptance import is_accepted, refusal
from voicemode_whisper.core.choice import Candidate, Choice, alternative, choose, comparison
from voicemode_whisper.core.generations import Alternative, GenerationSpec
from voicemode_whisper.core.layout import Layout
from voicemode_whisper.facts.base import read_fact
from voicemode_whisper.facts.build import Manifest
from voicemode_whisper.operations.util.generations import rejection, resolve


def unless_rejected(layout: Layout, choice: Choice) -> Callable[[], bool]:
    """For `_if`: whether what would serve was not rejected before."""
    return _if(lambda: rejection(layout, chosen(layout, choice)[0]) is None)


def if_tried(layout: Layout, choice: Choice, spec: GenerationSpec) -> Callable[[], bool]:
    """For `_if`: whether a spec is to be built and tried."""
    return _if(lambda: is_tried(layout, choice, spec))


def _if(condition: Callable[[], bool]) -> Callable[[], bool]:
    """The condition, and True where it cannot be asked.

    An error here would end the run on all hosts; the operation asks too, and fails its own.
    """

    def holds() -> bool:
        try:
            return condition()
        except Exception:
            return True

    return holds


def is_tried(layout: Layout, choice: Choice, spec: GenerationSpec) -> bool:
    """Whether a spec is to be built and tried: it was not rejected, and its turn has come."""
    return is_due(layout, choice, spec) and rejection(layout, spec) is None


def is_due(layout: Layout, choice: Choice, spec: GenerationSpec) -> bool:
    """Whether all that are preferred to it were refused, or all are to be timed."""
    earlier = choice.specs[: choice.specs.index(spec)]
    return choice.by_speed or all(
        refusal(candidate(layout, one).manifest, one.model) for one in earlier
    )


def can_do_without(layout: Layout, choice: Choice, spec: GenerationSpec) -> bool:
    """Whether another spec serves, or is to be tried, where this one is refused."""
    place = choice.specs.index(spec)
    return place < len(choice.specs) - 1 or any(
        is_accepted(candidate(layout, one).manifest, one.model) for one in choice.specs[:place]
    )


def candidate(layout: Layout, spec: GenerationSpec) -> Candidate:
    """The build of a spec, as it is on the host now."""
    name = resolve(spec).recipe.name
    manifest = read_fact(host, Manifest, path=f"{layout.builds}/{name}") or {}
    return Candidate(spec.build.backend, f"whisper.cpp/builds/{name}", manifest)


def chosen(
    layout: Layout, choice: Choice
) -> tuple[GenerationSpec, tuple[Alternative, ...], list[str]]:
    """The spec that is to serve, what is known of the others that were tried, a table of all."""
    if len(choice.specs) == 1:
        return choice.specs[0], (), []
    tried: list[Candidate] = []
    for spec in choice.specs:
        tried.append(candidate(layout, spec))
        if not choice.by_speed and not refusal(tried[-1].manifest, spec.model):
            break
    model = choice.specs[0].model
    place = choose(tried, model, choice.by_speed)
    others = [alternative(one, model) for at, one in enumerate(tried) if at != place]
    return choice.specs[place], tuple(filter(None, others)), comparison(tried, model, place)
