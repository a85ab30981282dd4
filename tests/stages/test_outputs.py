"""No command destroys a folder of somebody's pictures, whatever it is asked to write there."""

from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from pose25d import import_recording, pack_coco, sweep, transfer
from stages import evaluate_pose, export_pose, face_tables, pack_faces, synthesize, synthesize_faces, synthesize_photos

ROOT = Path(__file__).resolve().parents[2]
PARAMS = {
    "pack_faces": "recipes/faces",
    "synthesize_faces": "recipes/faces",
    "synthesize_photos": "recipes/deepfashion",
    "evaluate_pose": "recipes/pose",
    "pack_coco": "recipes/pose",
    "export_pose": "recipes/pose",
}
IN, OUT = "photos/letter.txt", "photos"  # what is read need not be fit: the place of the output is looked at first
COMMANDS: list[tuple[click.Command, tuple[str, ...]]] = [
    (synthesize.main, (OUT,)),
    (synthesize_faces.main, (OUT,)),
    (synthesize_photos.main, (OUT,)),
    (pack_faces.main, (OUT,)),
    (pack_coco.main, (IN, OUT, OUT)),
    (import_recording.main, ("old", OUT)),
    (sweep.main, (OUT, OUT)),
    (sweep.main, (OUT, "..")),
    (sweep.main, (OUT, ".")),
    (face_tables.main, (IN, IN, OUT, OUT)),
    (evaluate_pose.main, (OUT, OUT, "new.json", OUT)),
    (export_pose.main, (IN, OUT)),
    (transfer.main, ("--image", IN, "--pose", IN, "--g1", IN, "--g2", IN, "--out", OUT)),
    (transfer.main, ("--image", "photos/me.png", "--pose", IN, "--g1", IN, "--g2", IN, "--out", "photos/me.png")),
]

ANSWERS = (
    "none of the files that are written here; nothing was changed",
    "found a folder",
    "is not replaced",
    "no picture that was painted here",
    "expected a name that ends in .png",
)


@pytest.mark.parametrize("force", [False, True])
@pytest.mark.parametrize(("command", "arguments"), COMMANDS, ids=[f"{command.callback.__module__} {args[-1]}" for command, args in COMMANDS])
def test_a_folder_of_photos_stays_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: click.Command, arguments: tuple[str, ...], force: bool
) -> None:
    (tmp_path / "photos" / "old").mkdir(parents=True)
    for name in ("me.png", "letter.txt", "old/you.jpg"):
        (tmp_path / "photos" / name).write_bytes(name.encode())
    monkeypatch.chdir(tmp_path)
    before = {path: path.is_file() and path.read_bytes() for path in tmp_path.rglob("*")}
    name = str(command.callback.__module__).removeprefix("stages.")
    params = ROOT / PARAMS.get(name, ".") / "params.yaml"
    result = CliRunner().invoke(command, [*arguments, "--params", str(params), *["--force"] * force])
    assert (result.exit_code, result.output.count("\n")) == (1, 1), result.output
    assert any(answer in result.output for answer in ANSWERS), result.output
    assert {path: path.is_file() and path.read_bytes() for path in tmp_path.rglob("*")} == before
