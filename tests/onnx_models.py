"""Pose models as others export them, small, made here."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper

from pipeline.pose.joint_sets import COCO_17

SIZE = (64, 48)


def write_model(
    path: Path, kind: str, keypoints: int = 17, inputs: int = 3, batch: int | str = 1, number: int = TensorProto.FLOAT, side: int = SIZE[1]
) -> Path:
    """All keypoints lie at the brightest pixel: as heatmaps of half the size, or as two bins per px along x and y."""
    image = helper.make_tensor_value_info("image", number, [batch, inputs, SIZE[0], side])
    nodes = [helper.make_node("ReduceMean", ["image", "channel"], ["grey"], keepdims=1)]
    constants = {"channel": np.array([1])}
    if kind == "heatmaps":
        nodes.append(helper.make_node("MaxPool", ["grey"], ["small"], kernel_shape=[2, 2], strides=[2, 2]))
        nodes.append(helper.make_node("Expand", ["small", "shape"], ["maps"]))
        constants["shape"] = np.array([1, keypoints, SIZE[0] // 2, SIZE[1] // 2])
        outputs = [helper.make_tensor_value_info("maps", number, [batch, keypoints, SIZE[0] // 2, SIZE[1] // 2])]
    else:
        outputs = []
        for name, axis, length in (("x", 2, SIZE[1]), ("y", 3, SIZE[0])):
            nodes += [
                helper.make_node("ReduceMax", ["grey", f"axes_{name}"], [f"line_{name}"], keepdims=0),
                helper.make_node("Unsqueeze", [f"line_{name}", "last"], [f"column_{name}"]),
                helper.make_node("Expand", [f"column_{name}", f"twice_{name}"], [f"pairs_{name}"]),
                helper.make_node("Reshape", [f"pairs_{name}", f"flat_{name}"], [f"bins_{name}"]),
                helper.make_node("Expand", [f"bins_{name}", f"all_{name}"], [f"simcc_{name}"]),
            ]
            constants |= {
                f"axes_{name}": np.array([axis]),
                f"twice_{name}": np.array([1, 1, length, 2]),
                f"flat_{name}": np.array([0, 1, 2 * length]),
            }
            constants[f"all_{name}"] = np.array([1, keypoints, 2 * length])
            outputs.append(helper.make_tensor_value_info(f"simcc_{name}", number, [batch, keypoints, 2 * length]))
        constants["last"] = np.array([3])
    tensors = [helper.make_tensor(name, TensorProto.INT64, list(values.shape), values.tolist()) for name, values in constants.items()]
    graph = helper.make_graph(nodes, "spot", [image], outputs, tensors)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    onnx.checker.check_model(model)
    onnx.save(model, path)
    return path


def write_still_model(path: Path, places: Mapping[str, tuple[int, int]]) -> Path:
    """It finds the keypoints named in `places` there, x and y in cells of heatmaps of half its input's size, whatever the picture shows; the others
    nowhere."""
    maps = np.zeros((1, len(COCO_17), SIZE[0] // 2, SIZE[1] // 2), np.float32)
    for name, (x, y) in places.items():
        maps[0, COCO_17.index(name), y, x] = 1
    nodes = [
        helper.make_node("ReduceMean", ["image"], ["grey"], keepdims=1),
        helper.make_node("Mul", ["grey", "none"], ["nothing"]),
        helper.make_node("Add", ["nothing", "still"], ["maps"]),
    ]
    tensors = [
        helper.make_tensor("none", TensorProto.FLOAT, [1], [0.0]),
        helper.make_tensor("still", TensorProto.FLOAT, list(maps.shape), maps.ravel().tolist()),
    ]
    image = helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, 3, *SIZE])
    output = helper.make_tensor_value_info("maps", TensorProto.FLOAT, list(maps.shape))
    graph = helper.make_graph(nodes, "still", [image], [output], tensors)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9), path)
    return path
