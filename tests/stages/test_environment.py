"""What a shell, a queue or a notebook has set does not reach the work: it neither hangs nor changes."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
_LEARN = """
import stages
import hashlib, sys
import h5py, numba, torch
from torch import nn
torch.set_num_threads(2)
torch.manual_seed(0)
network = nn.Sequential(nn.Conv2d(3, 16, 3, padding=1), nn.ReLU(), nn.Conv2d(16, 3, 3, padding=1)).to(memory_format=torch.channels_last)
optimiser = torch.optim.Adam(network.parameters(), fused=True)
images = torch.randn(4, 3, 64, 64).to(memory_format=torch.channels_last)
for _ in range(5):
    loss = (network(images) - images).abs().mean()
    optimiser.zero_grad()
    loss.backward()
    optimiser.step()
weights = b"".join(weight.detach().contiguous().numpy().tobytes() for weight in network.parameters())
print(hashlib.sha256(weights).hexdigest(), numba.config.DISABLE_JIT, torch.get_num_threads())
"""


def run(code: str, **inherited: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=os.environ | inherited, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize(
    "inherited",
    [
        {"OMP_THREAD_LIMIT": "1"},
        {"OMP_DYNAMIC": "true"},
        {"OMP_MAX_ACTIVE_LEVELS": "0"},
        {"ATEN_CPU_CAPABILITY": "default", "ONEDNN_MAX_CPU_ISA": "SSE41", "ONEDNN_DEFAULT_FPMATH_MODE": "ANY", "NUMBA_DISABLE_JIT": "1"},
    ],
)
def test_a_network_learns_the_same_whatever_is_inherited(inherited: dict[str, str]) -> None:
    """Each of the first three makes torch wait for ever, the fourth gives other weights."""
    assert run(_LEARN, **inherited) == run(_LEARN)


def test_a_notebooks_shell_does_not_choose_how_pictures_are_drawn() -> None:
    code = "import stages.report, matplotlib; print(matplotlib.get_backend().lower())"
    assert run(code, MPLBACKEND="module://matplotlib_inline.backend_inline") == "agg\n"


def test_a_shell_does_not_make_hdf5_ask_for_locks(tmp_path: Path) -> None:
    """HDF5 believes the environment before it believes the program."""
    code = f"""
import stages
import fcntl, h5py
from pathlib import Path
from pipeline.utils.hdf5 import open_hdf5, write_hdf5
path = Path({str(tmp_path / "a.h5")!r})
with write_hdf5(path) as file:
    file["x"] = 1
with path.open("rb") as held:
    fcntl.flock(held, fcntl.LOCK_EX)
    with open_hdf5(path, "numbers", "count") as file:
        print(file["x"][()])
"""
    assert run(code, HDF5_USE_FILE_LOCKING="TRUE") == "1\n"
