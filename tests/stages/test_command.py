"""Stages turn what a user can put right into one line, and leave bugs their traceback."""

from pathlib import Path

import click
from click.testing import CliRunner

from pipeline.utils.errors import UserError
from stages import validate
from stages.command import stage

ROOT = Path(__file__).resolve().parents[2]


@stage
@click.argument("fault")
def faulty(fault: str, params: Path) -> None:
    """Fail as told."""
    raise {"user": UserError(f"{params.name}: {fault}"), "interrupt": KeyboardInterrupt()}.get(fault, KeyError(fault))


def test_a_user_error_is_one_line_and_status_1() -> None:
    result = CliRunner().invoke(faulty, ["user", "--params", str(ROOT / "params.yaml")])
    assert result.exit_code == 1
    assert result.output == "Error: params.yaml: user\n"


def test_an_interrupt_is_one_line_and_status_130() -> None:
    result = CliRunner().invoke(faulty, ["interrupt", "--params", str(ROOT / "params.yaml")])
    assert result.exit_code == 130
    assert result.output.startswith("Interrupted: ")
    assert result.output.count("\n") == 1


def test_a_bug_keeps_its_traceback() -> None:
    result = CliRunner().invoke(faulty, ["bug", "--params", str(ROOT / "params.yaml")])
    assert isinstance(result.exception, KeyError)


def test_validate_writes_the_same_file_for_every_valid_input(tmp_path: Path) -> None:
    contents = set()
    for params in ("params.yaml", "recipes/tiny/params.yaml"):
        result = CliRunner().invoke(validate.main, [str(tmp_path / "checked"), "--force", "--params", str(ROOT / params)])
        assert result.exit_code == 0, result.output
        contents.add((tmp_path / "checked").read_bytes())
    assert len(contents) == 1


def test_validate_writes_nothing_for_invalid_input(tmp_path: Path) -> None:
    params = tmp_path / "params.yaml"
    params.write_text((ROOT / "params.yaml").read_text(encoding="utf-8").replace("fps: 10", "fps: ten", 1), encoding="utf-8")
    result = CliRunner().invoke(validate.main, [str(tmp_path / "checked"), "--params", str(params)])
    assert result.exit_code == 1
    assert "data.fps = 'ten'" in result.output
    assert not (tmp_path / "checked").exists()


def test_params_defaults_to_the_file_at_the_root() -> None:
    assert "params.yaml" in CliRunner().invoke(validate.main, ["--help"]).output
