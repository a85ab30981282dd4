"""The scores of motions: the truth is as steady as itself, and the stage writes every block."""

import json
from pathlib import Path

import numpy as np
from click.testing import CliRunner
from small_weights import write_model

from pipeline.evaluation.motion_scores import along_flow, flicker, joint_jitter, label_flips, pixels_of_box, warping_error
from pipeline.pose.crop import to_crop
from stages.motion import main

ROOT = Path(__file__).resolve().parents[2]
PRETRAINED = ROOT / "models" / "pretrained"


def test_along_its_flow_a_picture_that_moves_does_not_change() -> None:
    row, column = np.indices((24, 32))
    frames = np.stack([np.repeat((100 + 50 * np.sin((column - 2 * t) / 3))[..., None], 3, axis=2) for t in range(4)]).astype(np.uint8)
    still = np.stack([column, row], axis=-1).astype(float)
    place = np.stack([still + np.array([2, 0])] * 3)
    seen = place[..., 0] < 31
    change = along_flow(frames, place)
    assert flicker(change, seen) < 1e-6
    assert warping_error(change, seen) < 1e-6
    assert flicker(along_flow(frames, np.stack([still] * 3)), seen) > 5
    np.testing.assert_allclose(warping_error(np.full((1, 24, 32, 3), 51.0), np.ones((1, 24, 32), bool)), 0.04)


def test_what_moves_steadily_does_not_jitter() -> None:
    joints = np.arange(10.0)[:, None, None] * np.ones((1, 17, 2))
    assert joint_jitter(joints) == 0
    joints[5, 3, 0] += 1
    joints[2, 4] = np.nan
    np.testing.assert_allclose(joint_jitter(joints), 4 / (8 * 17 - 3))


def test_flips_are_counted_per_second() -> None:
    label = np.zeros((26, 8), np.int8)
    label[10:, 2] = label[15:20, 5] = 1
    assert label_flips(label, 25) == 3


def test_pixels_of_a_crop_are_found_in_the_picture() -> None:
    box, size = np.array([10.0, 20.0, 42.0, 84.0]), (16, 8)
    row, column = np.indices(size)
    back = to_crop(pixels_of_box(box, size).reshape(1, -1, 2), box[None], size)[0]
    np.testing.assert_allclose(back, np.stack([column, row], axis=-1).reshape(-1, 2), atol=1e-9)


def test_the_stage_scores_what_is_painted_beside_the_truth(tmp_path: Path) -> None:
    model, out = write_model(tmp_path / "model"), tmp_path / "motion.json"
    words = [str(model), str(out), "--takes", "1", "--seconds", "0.6", "--fps", "12", "--params", str(ROOT / "recipes" / "tiny" / "params.yaml")]
    words += ["--pose-net", str(PRETRAINED / "pose_net.safetensors")]
    done = CliRunner().invoke(main, words)
    assert done.exit_code == 0, done.output
    figures = json.loads(out.read_text(encoding="utf-8"))
    scores = {"flicker", "excess_flicker", "warping_error", "label_flips", "joint_jitter", "ssim"}
    assert figures["truth"].keys() == scores - {"ssim"}
    assert figures["truth"]["excess_flicker"] == 0
    for block in (figures["frame_by_frame"], figures["steady"]):
        assert scores | {"order_accuracy"} <= block.keys()
    assert figures["lifter"]["steady"].keys() == scores
    assert figures["steady"]["flicker"] < figures["frame_by_frame"]["flicker"]


def test_the_weights_that_come_along_paint_joints_that_hardly_jitter_more_than_the_true_ones() -> None:
    """As the estimator finds them in the true films, where most of the jitter is its own."""
    figures = json.loads((PRETRAINED / "motion.json").read_text(encoding="utf-8"))
    jitter = {block: figures[block]["joint_jitter"] for block in ("frame_by_frame", "steady", "truth")}
    assert 0 < jitter["steady"] < jitter["frame_by_frame"]
    assert jitter["truth"] > 0
