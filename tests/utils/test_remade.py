"""What people make by hand does not go where `dvc repro` would remove it."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from pipeline.utils.errors import UserError
from pipeline.utils.remade import check_kept
from pose25d import find_keypoints
from pose25d import label as label_depth
from pose25d import merge as merge_labels

ROOT = Path(__file__).resolve().parents[2]
LOCK = """schema: '2.0'
stages:
  synthesize_photos:
    cmd: python -m stages.synthesize_photos recipes/a/data/photos
    deps:
    - path: recipes/a/read
      md5: b6d2fbbcb406ad8c6ecb632019c81d5c
    outs:
    - path: recipes/a/data/photos
      md5: b6d2fbbcb406ad8c6ecb632019c81d5c
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    for folder in (".dvc", "recipes/a/data/photos", "recipes/a/read", "mine"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "recipes/a/data/dvc.lock").write_text(LOCK, encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize("place", ["recipes/a/data/photos/depth.csv", "recipes/a/data/photos/deep/depth.csv", "recipes/a/data/photos"])
def test_a_place_in_the_output_of_a_stage_is_refused(project: Path, place: str) -> None:
    with pytest.raises(UserError, match=r"lies in what the stage synthesize_photos of recipes/a/data/dvc\.yaml writes"):
        check_kept(project / place)
    (project / "link").symlink_to(project / "recipes/a/data/photos")
    with pytest.raises(UserError, match="synthesize_photos"):
        check_kept(project / "link" / "depth.csv")


def test_any_other_place_will_do(project: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    for place in ("mine/depth.csv", "recipes/a/read/depth.csv", "recipes/a/data/photos2", "depth.csv"):
        check_kept(project / place)
    check_kept(tmp_path_factory.mktemp("elsewhere") / "depth.csv")
    for damaged in ("", "- path: mine\n", "stages: 5\n- path: mine\n", "\0"):
        (project / "dvc.lock").write_text(damaged, encoding="utf-8")
        check_kept(project / "mine" / "depth.csv")


def test_the_commands_for_hands_look_first(project: Path) -> None:
    photos = project / "recipes/a/data/photos"
    for main, arguments in (
        (label_depth.main, [photos]),
        (label_depth.main, [project / "mine", "--labels", photos / "depth.csv"]),
        (find_keypoints.main, [project / "mine", photos / "annotation.csv", "--model", ROOT / "params.yaml"]),
        (merge_labels.main, [ROOT / "params.yaml", ROOT / "params.yaml", photos / "both.csv"]),
    ):
        result = CliRunner().invoke(main, [*map(str, arguments), "--params", str(ROOT / "params.yaml")])
        assert result.exit_code == 1
        assert "`dvc repro` would remove it" in result.output
    assert not list(photos.iterdir())
