"""Loops over arrays compiled by numba when they are first called; the machine code is kept beside the source.

Compiled code is strict about floating point (no `fastmath`), so its results do not depend on the machine.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import ParamSpec, TypeVar, cast

from numba import njit

P = ParamSpec("P")
R = TypeVar("R")


def compiled(function: Callable[P, R]) -> Callable[P, R]:
    """Compile a function of scalars and numpy arrays; it may call other compiled functions."""
    return cast(Callable[P, R], njit(cache=True)(function))
