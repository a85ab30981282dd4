"""What a piece of work takes in a process of its own (on Linux)."""

import re
from collections.abc import Callable
from multiprocessing import get_context
from pathlib import Path
from typing import Any


def peak() -> float:
    """The most memory that this process has held so far, MB."""
    found = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text(encoding="ascii"))
    assert found is not None
    return int(found[1]) * 1024 / 1e6


def alone(work: Callable[..., Any], *arguments: Any) -> Any:
    """What `work` returns in a process of its own."""
    with get_context("spawn").Pool(1) as pool:
        return pool.apply(work, arguments)
