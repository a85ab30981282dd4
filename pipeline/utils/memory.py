"""How this process keeps memory that it has freed."""

import ctypes
import sys

M_TRIM_THRESHOLD, M_TOP_PAD, M_MMAP_MAX = -1, -2, -4  # malloc.h of the GNU C library
KEPT = 2**31 - 1  # bytes, the most that mallopt takes
PAD = 2**26  # bytes asked of the system at a time


def keep_memory() -> bool:
    """Keep freed memory for the next step instead of giving it back to the system, where the C library is GNU's; returns whether it does.

    Every step of a training takes and frees the same large tensors. By default each of them is new memory, which the system has to clear
    first. The process stays as large as at its largest moment.
    """
    if not sys.platform.startswith("linux"):
        return False
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)  # other C libraries have none
    return mallopt is not None and all(mallopt(name, value) for name, value in ((M_MMAP_MAX, 0), (M_TRIM_THRESHOLD, KEPT), (M_TOP_PAD, PAD)))
