"""A pose model of others: files of the right form, made here, find a bright spot where it is."""

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper
from onnx_models import write_model

from pipeline.pose.joint_sets import COCO_17, to_18
from pipeline.pose.skeleton import COCO_18
from pipeline.pose_estimation.onnx_pose import OnnxPose
from pipeline.utils.errors import UserError


def picture_with_a_spot(x: int, y: int) -> np.ndarray:
    image = np.full((120, 60, 3), 90, np.uint8)
    image[y - 2 : y + 3, x - 2 : x + 3] = 255
    return image


@pytest.mark.parametrize("number", [TensorProto.FLOAT, TensorProto.FLOAT16, TensorProto.DOUBLE])
@pytest.mark.parametrize("batch", [1, 3, "n"])
@pytest.mark.parametrize(("kind", "within"), [("simcc", 2.5), ("heatmaps", 4.0)])
def test_the_keypoints_are_in_px_of_the_picture(tmp_path: Path, kind: str, within: float, batch: int | str, number: int) -> None:
    model = OnnxPose(write_model(tmp_path / "pose.onnx", kind, batch=batch, number=number))
    for place in ((12, 30), (45, 100), (30, 8)):
        points = model.find(picture_with_a_spot(*place))
        assert points.shape == (18, 2)
        assert np.abs(points - place).max() < within


def test_what_is_not_sure_is_missing(tmp_path: Path) -> None:
    model = OnnxPose(write_model(tmp_path / "pose.onnx", "heatmaps"))
    assert np.isnan(model.find(np.zeros((120, 60, 3), np.uint8))).all()


def test_names_go_to_the_same_names_and_the_neck_lies_between_the_shoulders() -> None:
    points = np.arange(34.0).reshape(17, 2)
    found = dict(zip(COCO_18.names, to_18(points), strict=True))
    for name, point in zip(COCO_17, points, strict=True):
        np.testing.assert_array_equal(found[name], point)
    np.testing.assert_array_equal(found["neck"], (found["left_shoulder"] + found["right_shoulder"]) / 2)


def test_other_files_are_refused(tmp_path: Path) -> None:
    (tmp_path / "text.onnx").write_text("no model", encoding="utf-8")
    with pytest.raises(UserError, match=r"text\.onnx: expected a pose model in ONNX"):
        OnnxPose(tmp_path / "text.onnx")
    with pytest.raises(UserError, match=r"expected one input \(1, 3, H, W\)"):
        OnnxPose(write_model(tmp_path / "grey.onnx", "heatmaps", inputs=1))
    model = OnnxPose(write_model(tmp_path / "hands.onnx", "heatmaps", keypoints=21))
    with pytest.raises(UserError, match="expected 17 keypoints of COCO, found 21"):
        model.find(picture_with_a_spot(20, 20))


def write_graph(path: Path, number: int, shape: list[int | str], output: tuple[int, list[int]], *nodes: onnx.NodeProto) -> Path:
    """A model of an `image` that becomes `out` by these nodes."""
    image = helper.make_tensor_value_info("image", number, shape)
    graph = helper.make_graph(list(nodes), "other", [image], [helper.make_tensor_value_info("out", *output)])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9), path)
    return path


def test_what_a_model_asks_for_and_nobody_has_is_named(tmp_path: Path) -> None:
    node = helper.make_node("Identity", ["image"], ["out"])
    for number, shape, message in (
        (TensorProto.UINT8, [1, 3, 8, 8], r"expected an input of .*, found tensor\(uint8\)"),
        (TensorProto.FLOAT, [100_000, 3, 8, 8], "expected at most 64 pictures at a time, found 100000"),
        (TensorProto.FLOAT, [1, 3, 8, 1_000_000], "of fixed H and W, at most 4096 px, found"),
        (TensorProto.FLOAT, [1, 3, "h", "w"], "of fixed H and W"),
    ):
        with pytest.raises(UserError, match=message):
            OnnxPose(write_graph(tmp_path / "pose.onnx", number, shape, (number, shape), node))


@pytest.mark.parametrize(
    ("kind", "number", "shape", "message"),
    [
        ("Identity", TensorProto.FLOAT, [1, 3, 8, 8], "expected 17 keypoints of COCO, found 3"),
        ("Flatten", TensorProto.FLOAT, [1, 3 * 64], r"expected bins .* found \(1, 192\) float32"),
        ("Shape", TensorProto.INT64, [4], r"expected bins .* found \(1,\) int64"),
    ],
)
def test_answers_of_another_form_are_one_line(tmp_path: Path, kind: str, number: int, shape: list[int], message: str) -> None:
    node = helper.make_node(kind, ["image"], ["out"])
    model = OnnxPose(write_graph(tmp_path / "pose.onnx", TensorProto.FLOAT, [1, 3, 8, 8], (number, shape), node))
    with pytest.raises(UserError, match=message) as error:
        model.find(picture_with_a_spot(20, 20))
    assert "\n" not in str(error.value)


def test_numbers_that_are_none_are_refused(tmp_path: Path) -> None:
    """The logarithm of a grey level below the mean is no number."""
    nodes = [
        helper.make_node("Split", ["image"], ["part", "rest"], axis=1, num_outputs=2),
        helper.make_node("Concat", [*["image"] * 5, "part"], ["all"], axis=1),
        helper.make_node("Log", ["all"], ["out"]),
    ]
    model = OnnxPose(write_graph(tmp_path / "pose.onnx", TensorProto.FLOAT, [1, 3, 8, 8], (TensorProto.FLOAT, [1, 17, 8, 8]), *nodes))
    with pytest.raises(UserError, match="expected finite numbers from the model"):
        model.find(np.zeros((120, 60, 3), np.uint8))


def test_a_damaged_model_is_one_line(tmp_path: Path) -> None:
    """Whatever bytes are wrong: it is refused in a line, or finds something."""
    good = write_model(tmp_path / "good.onnx", "simcc").read_bytes()
    rng = np.random.default_rng(0)
    for number in range(60):
        damaged = bytearray(good[: rng.integers(0, len(good))] if number % 2 else good)
        for place in rng.integers(0, max(len(damaged), 1), 3):
            damaged[place : place + 1] = bytes([rng.integers(0, 256)])
        (tmp_path / "bad.onnx").write_bytes(bytes(damaged))
        try:
            answer = str(OnnxPose(tmp_path / "bad.onnx").find(picture_with_a_spot(20, 20)).shape)
        except UserError as error:
            answer = str(error)
        assert answer == "(18, 2)" or (answer.startswith(str(tmp_path)) and "\n" not in answer)
