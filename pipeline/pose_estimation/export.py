"""A trained pose estimator as an ONNX file that says the same."""

import contextlib
import io
import logging
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from pipeline.networks.openpose import PoseNet
from pipeline.utils.errors import UserError
from pipeline.utils.files import atomic_file

TOLERANCE = 1e-3  # of confidences, which lie between 0 and 1
_OPSET = 18


class _LastStage(nn.Module):
    """The last stage's maps alone."""

    def __init__(self, network: PoseNet) -> None:
        super().__init__()
        self.network = network

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        heat, paf = self.network(image)[-1]
        return heat, paf


def export_onnx(network: PoseNet, path: Path) -> float:
    """Write the network as ONNX: `image` (N, 3, H, W) in [-1, 1] to `heat` and `paf` of the last stage, any N, H and W that the stride divides.

    returns : the largest difference between onnxruntime's maps and torch's, for noise of another size than that of the export. Raises
    UserError where onnxruntime is missing, or where the difference is more than `TOLERANCE`.
    """
    try:
        import onnxruntime
    except ImportError:
        raise UserError("onnxruntime is not installed, which checks what is exported; pip install '.[onnx]'") from None
    height, width = network.config["image_size"]
    last = _LastStage(network.cpu()).eval()
    image = torch.zeros(2, 3, height, width)
    axes = {name: {0: "n", 2: f"{name}_h", 3: f"{name}_w"} for name in ("image", "heat", "paf")}
    names: dict[str, Any] = {"input_names": ["image"], "output_names": ["heat", "paf"], "dynamic_axes": axes}
    with atomic_file(path) as partial:
        with _quiet():
            torch.onnx.export(last, (image,), str(partial), **names, opset_version=_OPSET, dynamo=False)
        other = torch.from_numpy(np.random.default_rng(0).uniform(-1, 1, (1, 3, height, 2 * width)).astype(np.float32))
        with torch.inference_mode():
            expected = last(other)
        found = onnxruntime.InferenceSession(str(partial), providers=["CPUExecutionProvider"]).run(None, {"image": other.numpy()})
        difference = max(float(np.abs(one - two.numpy()).max()) for one, two in zip(found, expected, strict=True))
        if not difference <= TOLERANCE:
            raise UserError(f"{path}: onnxruntime's maps differ from torch's by {difference:.2g}, expected at most {TOLERANCE:g}; try other versions")
    return difference


@contextlib.contextmanager
def _quiet():  # type: ignore[no-untyped-def]
    """The exporter writes of itself what no user can act on."""
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        logging.disable(logging.WARNING)
        try:
            yield
        finally:
            logging.disable(logging.NOTSET)
