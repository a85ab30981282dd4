"""The installation says what is missing, and its lists agree."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable
from configparser import ConfigParser
from importlib.metadata import PackageNotFoundError, distribution, packages_distributions, requires
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from small_weights import write_model

ROOT = Path(__file__).resolve().parents[1]
needs_make = pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")


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


FAKE_PYTHON = """#!/bin/sh
# Stands for a Python that makes an environment: it does nothing but say what it was asked for.
case "$1 $2" in
  "-m venv") mkdir -p "$3/bin" && cp "$0" "$3/bin/python" && cp "$0" "$3/bin/dvc" && cp "$0" "$3/bin/pose25d" ;;
esac
printf '%s\\n' "$*" >> asked
"""


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """What `make` needs of a clone, below a folder whose name has a blank, beside a Python whose name has one, too."""
    folder = tmp_path / "My Drive" / "the clone's"
    (folder / ".ci").mkdir(parents=True)
    for name in ("Makefile", ".ci/python", ".ci/demo.txt", "setup.cfg", "pyproject.toml", "constraints.txt"):
        shutil.copy(ROOT / name, folder / name)
    fake = tmp_path / "my python"
    fake.write_text(FAKE_PYTHON, encoding="utf-8")
    fake.chmod(0o755)
    return folder


def run_make(clone: Path, *words: str) -> subprocess.CompletedProcess[str]:
    env = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS", "VENV"))}
    return subprocess.run(["make", "--no-print-directory", *words], cwd=clone, env=env, capture_output=True, text=True, check=False)


@needs_make
def test_make_works_below_a_folder_with_a_blank_in_its_name(clone: Path) -> None:
    done = run_make(clone, f"PYTHON={clone.parents[1] / 'my python'}", "tiny")
    assert done.returncode == 0, done.stderr
    asked = (clone / "asked").read_text(encoding="utf-8").splitlines()
    assert [words.split()[:2] for words in asked[-3:]] == [["-m", "venv"], ["-m", "pip"], ["repro", "recipes/tiny/dvc.yaml"]]
    assert (clone / ".venv" / ".installed").exists()
    assert run_make(clone, "clean").returncode == 0
    assert not (clone / ".venv").exists()
    assert sorted(path.name for path in clone.parents[0].iterdir()) == [clone.name]


@needs_make
def test_torch_alone_comes_from_the_index_of_the_build_that_is_asked_for(clone: Path) -> None:
    python = f"PYTHON={clone.parents[1] / 'my python'}"
    usual, small = run_make(clone, python, "VENV=usual", "tiny"), run_make(clone, python, "VENV=small", "TORCH=cpu", "tiny")
    assert "about 2.8 GB" in usual.stdout
    assert "https://download.pytorch.org/whl/cpu" in small.stdout
    pip = [words for words in (clone / "asked").read_text(encoding="utf-8").splitlines() if words.startswith("-m pip install")]
    assert [words.partition("constraints.txt ")[2] for words in pip] == [
        "--editable .[test,docs]",
        "--no-deps --index-url https://download.pytorch.org/whl/cpu torch",
        "--editable .[test,docs]",
    ]


@needs_make
def test_the_demo_installs_what_it_needs_unless_all_is_there(clone: Path) -> None:
    python = f"PYTHON={clone.parents[1] / 'my python'}"
    done = run_make(clone, python, "TORCH=cpu", "demo")
    assert done.returncode == 0, done.stderr
    asked = (clone / "asked").read_text(encoding="utf-8").splitlines()
    assert [words.partition("constraints.txt ")[2] for words in asked if words.startswith("-m pip install")] == [
        "--no-deps --index-url https://download.pytorch.org/whl/cpu torch",
        "--requirement .ci/demo.txt",
        "--no-deps --editable .",
    ]
    assert asked[-1] == "demo"
    for target, words in (("tiny", "repro recipes/tiny/dvc.yaml"), ("demo", "demo")):
        before = (clone / "asked").read_text(encoding="utf-8")
        assert run_make(clone, python, target).returncode == 0
        asked = (clone / "asked").read_text(encoding="utf-8").removeprefix(before).splitlines()
        assert asked[-1] == words
    assert asked == ["demo"]


def names(requirements: Iterable[str]) -> set[str]:
    return {canonicalize_name(Requirement(line).name) for line in requirements if line and not line.startswith("#")}


def with_what_they_require(wanted: set[str]) -> set[str]:
    """The distributions of these names, and all that these need here."""
    found: set[str] = set()
    while wanted:
        found |= wanted
        needs = (Requirement(line) for name in wanted for line in requires(name) or ())
        wanted = {canonicalize_name(need.name) for need in needs if need.marker is None or need.marker.evaluate({"extra": ""})} - found
        wanted = {name for name in wanted if is_installed(name)}
    return found


def is_installed(name: str) -> bool:
    try:
        return bool(distribution(name))
    except PackageNotFoundError:
        return False


PAINTS = """
import sys
from pathlib import Path

folder, *missing = sys.argv[1:]
sys.modules.update(dict.fromkeys(missing))  # as if they were not installed
import pose25d.cli, pose25d.demo, pose25d.label, pose25d.transfer
from pipeline.page.folder import PhotoFolder
from pose25d.serve import make_studio
from pose25d.weights import given
weights = given(Path(folder) / "g1.safetensors", Path(folder) / "g2.safetensors", Path("recipes/full/params.yaml"))
photos = PhotoFolder(pose25d.demo.PHOTOS)
pose = next(iter(photos.photos.values())).pose_2d.tolist()
from pipeline.pose.skeleton import H36M_17
joints = dict(zip(H36M_17.names, pose))
print(len(make_studio(photos, weights).paint(next(iter(photos.photos)), {"joints": joints, "labels": {}})[0]))
"""


def test_the_demo_paints_with_what_it_installs(tmp_path: Path) -> None:
    """Everything else that is installed here is out of sight."""
    setup = ConfigParser()
    setup.read(ROOT / "setup.cfg", encoding="utf-8")
    listed = names((ROOT / ".ci" / "demo.txt").read_text(encoding="utf-8").splitlines())
    assert listed < names(setup["options"]["install_requires"].split("\n"))
    there = with_what_they_require(listed) | {"pose25d", "pip", "setuptools"}
    missing = [module for module, owners in packages_distributions().items() if not there & set(map(canonicalize_name, owners))]
    assert {"dvc", "scipy", "matplotlib", "av", "h5py"} <= set(missing)
    command = [sys.executable, "-c", PAINTS, str(write_model(tmp_path)), *missing]
    done = subprocess.run(command, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 1000


@needs_make
def test_every_target_is_understood_below_such_a_folder(clone: Path) -> None:
    targets = re.search(r"^\.PHONY: (.+)$", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    assert targets is not None
    for target in targets[1].split():
        done = run_make(clone, "--dry-run", target)
        assert done.returncode == 0, done.stderr
        for line in filter(None, done.stdout.splitlines()):
            assert "My Drive" not in line, line


@needs_make
@pytest.mark.parametrize("name", ["my env", ""])
def test_an_environment_that_make_cannot_name_is_refused_in_one_line(clone: Path, name: str) -> None:
    done = run_make(clone, f"VENV={name}", f"PYTHON={clone.parents[1] / 'my python'}", "tiny")
    assert done.returncode != 0
    assert f"VENV = '{name}': make cannot deal with blanks" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert not (clone / "asked").exists()
