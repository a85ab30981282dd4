"""Functions compiled to machine code, kept on disk so that the next process need not compile them again."""

from collections.abc import Callable
from typing import Any, Literal, TypeVar, cast

import numba

Function = TypeVar("Function", bound=Callable[..., Any])


def compiled(function: Function, error_model: Literal["python", "numpy"] = "python") -> Function:
    """Compile `function` at its first call; free of Python's lock, and kept on disk wherever some folder can be written.

    error_model : what a division by zero does, as numba names it: `python` raises, `numpy` gives infinity or NaN
    """
    try:
        return cast(Function, numba.njit(cache=True, nogil=True, error_model=error_model)(function))
    except RuntimeError:  # numba finds no folder for its cache: a read-only installation and no home
        return cast(Function, numba.njit(nogil=True, error_model=error_model)(function))
