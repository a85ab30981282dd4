"""Inception score and Frechet distance, with a network of the test's own."""

import numpy as np
import pytest
import torch
from torch import Tensor

from pipeline.evaluation.scores.inception import Inception, frechet_distance, inception_score
from pipeline.utils.errors import UserError
from pipeline.utils.files import file_hash

pytestmark = pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning")


class MeanColour(torch.nn.Module):
    """Features: the mean colour. Classes: which colour is strongest."""

    def forward(self, images: Tensor, return_features: bool = False, no_output_bias: bool = False) -> Tensor:
        colours = images.float().mean(dim=[2, 3])
        if return_features:
            return colours
        return torch.softmax(colours if no_output_bias else colours + 1, dim=1)


@pytest.fixture
def weights(tmp_path):
    torch.jit.script(MeanColour()).save(str(tmp_path / "colour.pt"))
    return named_by_hash(tmp_path / "colour.pt")


def named_by_hash(path):
    return path.rename(path.with_name(f"{path.stem}-{file_hash(path)}{path.suffix}"))


class Nothing(torch.nn.Module):
    """Like `MeanColour`, but its weights are damaged."""

    def forward(self, images: Tensor, return_features: bool = False, no_output_bias: bool = False) -> Tensor:
        colours = images.float().mean(dim=[2, 3]) * float("nan")
        return colours if return_features or no_output_bias else colours + 1


class OtherInterface(torch.nn.Module):
    def forward(self, images: Tensor) -> Tensor:
        return images


def test_a_program_that_nobody_vouches_for_is_not_run(weights, tmp_path):
    path = weights.rename(tmp_path / "inception-2015-12-05.pt")
    with pytest.raises(UserError, match=rf"2015-12-05\.pt: evaluate\.inception runs the program in this file.*name it .*{file_hash(path)}\.pt"):
        Inception(path)
    changed = weights.with_name(weights.name)
    changed.write_bytes(path.read_bytes() + b" ")
    with pytest.raises(UserError, match="runs the program in this file"):
        Inception(changed)


def test_that_a_program_runs_is_said_once(weights, capfd):
    network = Inception(weights)
    for _ in range(2):
        network.look(torch.zeros(2, 3, 8, 8, dtype=torch.uint8))
    assert capfd.readouterr().err.count("a program that runs here with your rights") == 1


@pytest.mark.parametrize(
    ("network", "words"), [(Nothing, "expected 2 rows of finite features"), (OtherInterface, "expected a network with the interface")]
)
def test_a_network_of_another_kind_is_one_line(tmp_path, network, words):
    torch.jit.script(network()).save(str(tmp_path / "a.pt"))
    with pytest.raises(UserError, match=words) as error:
        Inception(named_by_hash(tmp_path / "a.pt")).look(torch.zeros(2, 3, 8, 8, dtype=torch.uint8))
    assert "\n" not in str(error.value)


def test_the_users_network_is_asked_for_features_and_classes(weights):
    images = torch.zeros(2, 3, 8, 8, dtype=torch.uint8)
    images[0, 1] = 200
    features, probabilities = Inception(weights).look(images)
    np.testing.assert_array_equal(features, [[0, 200, 0], [0, 0, 0]])
    np.testing.assert_allclose(probabilities, [[0, 1, 0], [1 / 3, 1 / 3, 1 / 3]])


def test_a_file_that_is_no_torchscript_is_one_line(tmp_path):
    (tmp_path / "weights.pt").write_text("nothing")
    with pytest.raises(UserError, match=r"weights-.*\.pt: evaluate\.inception expects a TorchScript file"):
        Inception(named_by_hash(tmp_path / "weights.pt"))
    with pytest.raises(UserError, match=r"missing\.pt: evaluate\.inception expects a TorchScript file"):
        Inception(tmp_path / "missing.pt")


def test_inception_score_at_its_ends():
    """Sure and varied: the number of classes. Unsure, or always the same class: 1."""
    varied = np.tile(np.eye(4), (20, 1))
    assert inception_score(varied) == pytest.approx((4, 0))
    assert inception_score(np.full((20, 4), 0.25)) == pytest.approx((1, 0))
    assert inception_score(np.tile(np.eye(4)[:1], (20, 1))) == pytest.approx((1, 0))


def test_inception_score_by_hand():
    probabilities = np.array([[0.9, 0.1], [0.3, 0.7]])
    marginal = np.array([0.6, 0.4])
    expected = np.exp((probabilities * np.log(probabilities / marginal)).sum(1).mean())
    assert inception_score(probabilities, splits=1)[0] == pytest.approx(expected)


def test_too_few_images_have_no_score():
    assert np.isnan(inception_score(np.eye(3))).all()
    assert np.isnan(frechet_distance(np.ones((1, 3)), np.ones((5, 3))))


def test_frechet_distance_by_hand():
    rng = np.random.default_rng(0)
    features = rng.normal(size=(500, 3))
    assert frechet_distance(features, features) == pytest.approx(0, abs=1e-9)
    assert frechet_distance(features + np.array([3, 4, 0]), features) == pytest.approx(25)
    scaled = features * 2  # (sigma - 2 sigma)^2, summed over variances
    assert frechet_distance(scaled, features) == pytest.approx(((scaled - features).mean(0) ** 2).sum() + features.var(0, ddof=1).sum())
    one = rng.normal(size=(50, 1))
    assert frechet_distance(one + 1, one) == pytest.approx(1)
