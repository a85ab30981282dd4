"""Publishing weights: half precision, all or nothing, and no more than a repository should hold."""

from pathlib import Path

import pytest
import torch
from small_weights import write_model

from pipeline.inference import published
from pipeline.inference.generator import load_generator
from pipeline.inference.published import NAMES, publish_pose_net, publish_weights, weights_file
from pipeline.networks.checkpoint import load_network, save_network
from pipeline.networks.lifter import Lifter
from pipeline.networks.openpose import PoseNet
from pipeline.networks.unet import G2
from pipeline.utils.errors import UserError


def test_published_weights_are_those_of_the_model_in_half_precision(tmp_path: Path) -> None:
    models, out = write_model(tmp_path / "models"), tmp_path / "published"
    out.mkdir()
    (out / "README.md").write_text("stays", encoding="utf-8")
    for _ in range(2):
        publish_weights(models, out)
    assert sorted(path.name for path in out.iterdir()) == ["README.md", *(f"{name}.safetensors" for name in NAMES)]
    small, large = (load_generator(weights_file(folder, "g1"), weights_file(folder, "g2")) for folder in (out, models))
    assert small.conditioning.config == large.conditioning.config
    for one, other in ((small.g1, large.g1), (small.g2, large.g2)):
        for first, second in zip(one.state_dict().values(), other.state_dict().values(), strict=True):
            torch.testing.assert_close(first, second, rtol=1e-3, atol=1e-6)
    load_network(weights_file(out, "lifter"), Lifter)


def test_what_cannot_be_published_is_one_line_and_writes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    models, out = write_model(tmp_path / "models"), tmp_path / "published"
    with monkeypatch.context() as patch:
        patch.setattr(published, "MOST_BYTES", 1000)
        with pytest.raises(UserError, match=r"models: expected weights of at most 1000 bytes in half precision, found \d+; train smaller"):
            publish_weights(models, out)
    pose = load_generator(weights_file(models, "g1"), weights_file(models, "g2")).conditioning.config
    save_network(weights_file(models, "g2"), G2((32, 16), 4, 1, "nearest"), pose)
    with pytest.raises(UserError, match="expected the image size of"):
        publish_weights(models, out)
    weights_file(models, "lifter").unlink()
    with pytest.raises(UserError, match=r"lifter\.safetensors: not found"):
        publish_weights(models, out)
    assert not out.exists()


def test_a_pose_estimator_is_published_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    net, out = tmp_path / "mobilenet.safetensors", tmp_path / "published" / "pose_net.safetensors"
    torch.manual_seed(0)
    save_network(net, PoseNet(17, "mobilenet", 0.1, 0, 4, [64, 32]))
    with monkeypatch.context() as patch:
        patch.setattr(published, "MOST_POSE_BYTES", 1000)
        with pytest.raises(
            UserError, match=r"mobilenet\.safetensors: expected weights of at most 1000 bytes in half precision, found \d+; train a smaller"
        ):
            publish_pose_net(net, out)
    with pytest.raises(UserError, match="expected the weights of PoseNet, found those of G2"):
        publish_pose_net(weights_file(write_model(tmp_path / "models"), "g2"), out)
    assert not out.exists()
    publish_pose_net(net, out)
    assert out.stat().st_size < 0.6 * net.stat().st_size
    large, small = load_network(net, PoseNet).state_dict(), load_network(out, PoseNet).state_dict()
    for name, values in large.items():
        torch.testing.assert_close(small[name], values, rtol=1e-3, atol=1e-6)
