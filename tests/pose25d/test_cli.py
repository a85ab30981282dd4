"""The command for people: quick to ask, and every subcommand is what its line says."""

import importlib
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from pose25d import doctor, import_
from pose25d.cli import COMMANDS, main, module_of

ROOT = Path(__file__).resolve().parents[2]
HEAVY = ("torch", "numpy", "numba", "cv2", "matplotlib", "h5py", "pydantic")


def test_help_lists_every_command_and_loads_none() -> None:
    code = f"import sys\nfrom pose25d.cli import main\ntry:\n    main(['--help'])\nfinally:\n    print(sorted(set(sys.modules) & set({HEAVY!r})))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.endswith("[]\n")
    for name, about in COMMANDS.items():
        assert name in done.stdout
        assert about.split()[0] in done.stdout


@pytest.mark.parametrize("name", COMMANDS)
def test_each_command_has_its_module_and_says_what_its_line_says(name: str) -> None:
    command = importlib.import_module(module_of(name)).main
    assert isinstance(command, click.Command)
    result = CliRunner().invoke(main, [name, "--help"])
    assert result.exit_code == 0, result.output
    assert f"{name} [OPTIONS]" in result.output


@pytest.mark.parametrize("name", import_.COMMANDS)
def test_each_import_has_its_module(name: str) -> None:
    result = CliRunner().invoke(main, ["import", name, "--help"])
    assert result.exit_code == 0, result.output
    assert f"import {name} [OPTIONS]" in result.output
    assert name in CliRunner().invoke(main, ["import", "--help"]).output


def test_a_command_that_there_is_not_is_named() -> None:
    result = CliRunner().invoke(main, ["paint"])
    assert result.exit_code == 2
    assert "No such command 'paint'" in result.output


def test_the_version_is_that_of_the_package() -> None:
    assert CliRunner().invoke(main, ["--version"]).output == f"pose25d, version {doctor.version()}\n"


def test_completion_offers_the_commands() -> None:
    words = {"_POSE25D_COMPLETE": "bash_complete", "COMP_WORDS": "pose25d ch", "COMP_CWORD": "1"}
    assert CliRunner().invoke(main, env=words, prog_name="pose25d").output == "plain,check\n"


def test_the_doctor_says_what_is_here_and_what_follows(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    said = CliRunner().invoke(main, ["doctor"]).output
    for name in ("python", "torch", "device", "cores", "disk", "git", "browser"):
        assert f"\n{name} " in said
    assert "training in " in said
    monkeypatch.setenv("PATH", str(tmp_path))
    assert "install git" in CliRunner().invoke(main, ["doctor"]).output
