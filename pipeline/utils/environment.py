"""What a shell, a queue or a notebook may have set, and no stage inherits: results depend on the parameters and the kind of machine alone."""

import os

NOT_INHERITED = (
    # Fewer threads than are asked for: each of torch's loops waits for the missing ones, for ever.
    "OMP_THREAD_LIMIT",
    "OMP_DYNAMIC",
    "OMP_MAX_ACTIVE_LEVELS",
    "KMP_ALL_THREADS",
    "KMP_DEVICE_THREAD_LIMIT",
    # Other instructions than the best of this machine: other last bits of the weights.
    "ATEN_CPU_CAPABILITY",
    "ONEDNN_MAX_CPU_ISA",
    "DNNL_MAX_CPU_ISA",
    "MKL_CBWR",
    "MKL_ENABLE_INSTRUCTIONS",
    # Less precision than the parameter `precision` says.
    "ONEDNN_DEFAULT_FPMATH_MODE",
    "DNNL_DEFAULT_FPMATH_MODE",
    "NVIDIA_TF32_OVERRIDE",
    "TORCH_ALLOW_TF32_CUBLAS_OVERRIDE",
    # Kernels as plain Python: a thousand times slower.
    "NUMBA_DISABLE_JIT",
    # Locks of HDF5's own, which not every network drive has; files are replaced whole here, and need none.
    "HDF5_USE_FILE_LOCKING",
)


def settle_environment() -> None:
    """Set what torch, numba, matplotlib and HDF5 read when they are loaded; to be called before that."""
    for name in NOT_INHERITED:
        os.environ.pop(name, None)
    os.environ["MPLBACKEND"] = "Agg"  # a notebook's shell names one that is not installed here; pictures are files, never windows
    # Threads that wait for each other soon sleep instead of spinning: where another program wants a core, too, spinning makes a training
    # step ten times as long. GNU OpenMP reads it when torch is loaded.
    os.environ.setdefault("GOMP_SPINCOUNT", "2000")
