"""The pose estimator that comes with the project: it is the file that was scored, and finds people whom it was not trained on."""

from pathlib import Path

from click.testing import CliRunner

from pipeline.config.data import DataConfig
from pipeline.config.evaluate import EvaluateConfig
from pipeline.config.section import load_config
from pipeline.evaluation.photo_joints import score_joints
from pipeline.inference.published import MOST_POSE_BYTES, weights_file
from pipeline.networks.checkpoint import load_network
from pipeline.networks.openpose import PoseNet
from pipeline.utils.files import file_hash, read_json
from stages.publish_pose import main

ROOT = Path(__file__).resolve().parents[2]
PRETRAINED, PHOTOS, PARAMS = ROOT / "models" / "pretrained", ROOT / "examples" / "demo", ROOT / "recipes" / "full" / "params.yaml"
NET = weights_file(PRETRAINED, "pose_net")


def test_the_published_pose_estimator_reaches_its_score_on_the_photos_of_the_demo() -> None:
    committed = read_json(PRETRAINED / "pose_net.json")
    assert NET.stat().st_size <= MOST_POSE_BYTES
    assert file_hash(NET) == committed.pop("sha256")
    found = score_joints(load_network(NET, PoseNet), PHOTOS, load_config(DataConfig, PARAMS, "data").margin)
    assert found.keys() == committed.keys()
    assert (found["photos"], found["joints"]) == (committed["photos"], committed["joints"])
    assert abs(found["pckh"] - committed["pckh"]) <= 0.02
    assert found["pckh"] > 0.8


def test_the_runs_on_bodies_are_scored_by_it() -> None:
    for params in (ROOT / "params.yaml", PARAMS):
        assert load_config(EvaluateConfig, params, "evaluate").pose_net == NET.relative_to(ROOT).as_posix()


def test_the_stage_publishes_what_it_scores(tmp_path: Path) -> None:
    out = tmp_path / "pose_net.safetensors"
    result = CliRunner().invoke(main, [str(word) for word in (NET, PHOTOS, out, tmp_path / "pose_net.json", "--params", PARAMS)])
    assert result.exit_code == 0, result.output
    assert out.read_bytes() == NET.read_bytes()
    assert read_json(tmp_path / "pose_net.json").keys() == read_json(PRETRAINED / "pose_net.json").keys()
