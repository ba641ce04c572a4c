"""What pyinfra is spared changes none of its answers."""

import functools
import inspect
import typing
from types import SimpleNamespace
from typing import Any

import pytest
from pyinfra.api import arguments, util

from voicemode_whisper import quicker  # noqa: F401


def ordered() -> list[int]:
    """Called from here, as an operation is from a deploy."""
    state: Any = SimpleNamespace(current_deploy_filename=__file__, current_op_file_number=0)
    return util.get_operation_order_from_stack(state)


def test_an_operation_s_place_is_what_it_was(monkeypatch: pytest.MonkeyPatch):
    assert isinstance(util.stack, functools.partial)
    found = []
    for stack, info in ((util.stack, util.getframeinfo), (inspect.stack, inspect.getframeinfo)):
        monkeypatch.setattr(util, "stack", stack)
        monkeypatch.setattr(util, "getframeinfo", info)
        found.append(ordered())
    assert found[0] == found[1]
    assert len(found[0]) >= 2


def test_where_a_call_came_from_is_what_it_was():
    assert util.get_caller_frameinfo(-1).filename == __file__


def test_the_arguments_are_those_that_pyinfra_has():
    known = arguments.all_global_arguments()
    assert known == list(typing.get_type_hints(arguments.AllArguments).items())
    assert arguments.all_global_arguments() is known
