"""Freed memory is kept."""

import resource
import subprocess
import sys

CODE = """
import resource
import sys

import torch

from pipeline.utils.memory import keep_memory

if sys.argv[1] == "keep":
    assert keep_memory()
for _ in range(16):  # aligned pieces find their place in the course of some steps
    torch.zeros(1 << 24)
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(8):
    torch.zeros(1 << 24)
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def page_faults(mode: str) -> int:
    done = subprocess.run([sys.executable, "-c", CODE, mode], capture_output=True, text=True, check=True)
    return int(done.stdout)


def test_large_tensors_reuse_kept_memory() -> None:
    pages = 8 * 4 * (1 << 24) // resource.getpagesize()
    assert page_faults("keep") < 0.01 * pages < page_faults("leave")
