"""Builds of whisper.cpp."""

from collections.abc import Generator

from pyinfra import host
from pyinfra.api import QuoteString, StringCommand, operation

from core.build import PROGRAMS, ROCM_PACKAGES, Order, Recipe
from core.layout import Layout
from core.speech import SPOKEN
from facts.files import Exists
from facts.toolchain import Toolchain
from operations.live import point
from operations.scripts import script
from operations.shown import narrated


def _recipe(order: Order) -> Recipe:
    """What a build for this host consists of, with the tools that are on it now."""
    packages = ROCM_PACKAGES if order.backend == "hip" else ()
    tools: list[str] = host.get_fact(Toolchain, packages=packages)
    return Recipe.of(order, tools)


@operation()
def build(layout: Layout, order: Order, model: str) -> Generator[StringCommand]:
    """Build whisper-server and whisper-cli beside the live build, and hear them transcribe.

    A build that was cut off is resumed; one that is there is not made again. A directory
    build-VERSION-FINGERPRINT is complete and has transcribed whisper.cpp's sample.

    + layout: where things lie
    + order: what to build; its release is checked out
    + model: path of the model to try the build with
    """
    recipe = _recipe(order)
    final = f"{layout.checkout}/{recipe.name}"
    if host.get_fact(Exists, path=final):
        host.noop(f"{recipe.name} is built")
        return
    partial = f"{final}.partial"
    run = ["env", *(f"{name}={value}" for name, value in order.environment.items())]
    yield StringCommand(
        *run, "cmake -G Ninja -S", QuoteString(layout.checkout), "-B", QuoteString(partial),
        *map(QuoteString, recipe.cmake_arguments),
    )  # fmt: skip
    if order.backend == "hip":
        yield _require_hip(partial)
    yield narrated(*run, "nice", "cmake", "--build", partial, "--target", *PROGRAMS)
    yield StringCommand(*run, script("prove", partial, model, layout.sample, SPOKEN))
    yield script("keep", partial, final, recipe.manifest, *PROGRAMS)


def _require_hip(build: str) -> StringCommand:
    """An option that CMake does not know is accepted silently, and the build is for the CPU."""
    return StringCommand(
        "grep -qx GGML_HIP:BOOL=ON", QuoteString(f"{build}/CMakeCache.txt"),
        "|| { echo 'whisper.cpp: CMake did not take GGML_HIP' >&2; exit 1; }",
    )  # fmt: skip


@operation()
def switch(layout: Layout, order: Order) -> Generator[StringCommand]:
    """Make the build of this release the live one.

    + layout, order: as for `build`
    """
    yield from point(layout.build, _recipe(order).name)
