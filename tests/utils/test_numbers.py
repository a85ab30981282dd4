"""Finite and in range, or refused by name."""

import numpy as np
import pytest

from pipeline.utils.errors import UserError
from pipeline.utils.numbers import as_number, check_numbers


def test_arrays() -> None:
    check_numbers(np.array([[-5.0, 5.0]]), 5, "a.h5", "x")
    check_numbers(np.array([np.nan, 1]), 5, "a.h5", "x", missing=True)
    for bad in (np.nan, np.inf, -np.inf, 5.1):
        with pytest.raises(UserError, match=r"a\.h5: expected x to be finite and within ±5, found .* at \[1, 0\]"):
            check_numbers(np.array([[1], [bad]]), 5, "a.h5", "x")
    with pytest.raises(UserError, match="inf"):
        check_numbers(np.array([np.inf]), 5, "a.h5", "x", missing=True)


@pytest.mark.parametrize("value", [None, True, "1", [1], 10**400, float("nan"), float("inf"), -6])
def test_values_that_are_no_number(value: object) -> None:
    with pytest.raises(UserError, match=r"a\.json: expected x to be a finite number"):
        as_number(value, 5, "a.json", "x")


def test_numbers() -> None:
    assert as_number(-5, 5, "a.json", "x") == -5.0
