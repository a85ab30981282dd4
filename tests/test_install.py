"""The installation says what is missing, and its lists agree."""

import os
import subprocess
import sys
from configparser import ConfigParser
from pathlib import Path

from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parents[1]


def find_python(candidate: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["bash", ROOT / ".ci" / "python"], env={**os.environ, "PYTHON": candidate}, capture_output=True, text=True, check=False)


def test_a_python_that_fits_is_found() -> None:
    done = find_python(sys.executable)
    assert (done.returncode, done.stdout.strip()) == (0, sys.executable)


def test_a_missing_python_is_said_with_the_way_out() -> None:
    done = find_python("no-such-python")
    assert done.returncode == 1
    assert "no Python from 3.11 to 3.13" in done.stderr
    assert "make PYTHON=" in done.stderr


def test_every_dependency_has_one_exact_version_within_its_range() -> None:
    setup = ConfigParser()
    setup.read(ROOT / "setup.cfg", encoding="utf-8")
    wanted = [*setup["options"]["install_requires"].split("\n"), *"\n".join(setup["options.extras_require"].values()).split("\n")]
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    exact = {name.lower().replace("_", "-"): version for name, version in (line.split("==") for line in lines if "==" in line)}
    for requirement in map(Requirement, filter(None, wanted)):
        assert requirement.specifier.contains(exact[requirement.name.lower()]), requirement
