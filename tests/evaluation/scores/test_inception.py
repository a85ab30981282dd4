"""Inception score, Frechet and kernel distance: a network of the test's own, values known by hand, and those of a package where it is installed."""

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from pipeline.evaluation.scores.inception import SIDE, Inception, frechet_distance, inception_score, kernel_distance, resize, squared_mmd
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
        network.features(torch.zeros(2, 3, 8, 8, dtype=torch.uint8))
    assert capfd.readouterr().err.count("a program that runs here with your rights") == 1


@pytest.mark.parametrize(
    ("network", "words"), [(Nothing, "expected 2 rows of finite features"), (OtherInterface, "expected a network with the interface")]
)
def test_a_network_of_another_kind_is_one_line(tmp_path, network, words):
    torch.jit.script(network()).save(str(tmp_path / "a.pt"))
    with pytest.raises(UserError, match=words) as error:
        Inception(named_by_hash(tmp_path / "a.pt")).features(torch.zeros(2, 3, 8, 8, dtype=torch.uint8))
    assert "\n" not in str(error.value)


def test_the_users_network_is_asked_for_features_and_classes(weights):
    images = torch.zeros(2, 3, 8, 8, dtype=torch.uint8)
    images[0, 1] = 200
    network = Inception(weights)
    np.testing.assert_allclose(network.features(images), [[0, 200, 0], [0, 0, 0]], rtol=1e-5)
    np.testing.assert_allclose(network.probabilities(images), [[0, 1, 0], [1 / 3, 1 / 3, 1 / 3]])


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
    assert np.isnan(kernel_distance(np.ones((1, 3)), np.ones((5, 3)))).all()


@pytest.mark.parametrize("size", [(128, 64), (400, 640)])
def test_images_are_resized_as_pillow_does_it_in_floating_point(size: tuple[int, int]) -> None:
    """That is clean-fid's rule; each channel by itself, and what overshoots is clipped."""
    image = np.random.default_rng(0).integers(0, 256, (*size, 3), dtype=np.uint8)
    channels = [Image.fromarray(image[..., channel].astype(np.float32)).resize((SIDE, SIDE), Image.Resampling.BICUBIC) for channel in range(3)]
    found = resize(torch.from_numpy(image).permute(2, 0, 1)[None])
    np.testing.assert_allclose(found[0].numpy(), np.stack(channels).clip(0, 255), atol=0.01)


def test_the_kernel_distance_by_hand() -> None:
    """Features of one number: the kernel is (x y + 1)^3."""
    first, second = np.array([[0.0], [1.0]]), np.array([[2.0], [-1.0]])
    among_first, among_second, between = 1, -1, (1 + 1 + 27 + 0) / 4
    assert squared_mmd(first, second) == pytest.approx(among_first + among_second - 2 * between)
    assert kernel_distance(first, second, subsets=3) == pytest.approx((squared_mmd(first, second), 0))


def test_the_kernel_distance_of_two_samples_of_one_distribution_is_near_zero() -> None:
    rng = np.random.default_rng(0)
    first, second, other = rng.normal(0, 1, (600, 8)), rng.normal(0, 1, (500, 8)), rng.normal(1, 1, (500, 8))
    same, spread = kernel_distance(first, second, subsets=20, size=200)
    assert abs(same) < 0.05
    assert spread > 0
    assert kernel_distance(first, other, subsets=20, size=200)[0] > 10 * abs(same) + 1


def test_the_frechet_distance_of_two_gaussians() -> None:
    """Means and deviations apart: the sum of the squares of both differences, axis by axis."""
    axis = np.array([[-1.0], [1.0]]) / np.sqrt(2)  # mean 0, variance 1
    first = np.concatenate([np.pad(axis, ((0, 0), (k, 2 - k))) for k in range(3)])
    first /= np.sqrt(np.cov(first, rowvar=False)[0, 0])
    second = first * (2, 1, 3) + (1, 0, -2)
    assert frechet_distance(first, second) == pytest.approx((1 + 0 + 4) + (1 + 0 + 4))


@pytest.mark.filterwarnings("ignore:Metric `Kernel Inception Distance` will save all:UserWarning")
def test_distances_are_those_of_torchmetrics() -> None:
    """Whole samples as one subset: which rows are drawn does not matter then."""
    fid, kid = pytest.importorskip("torchmetrics.image.fid"), pytest.importorskip("torchmetrics.image.kid")
    rng = np.random.default_rng(0)
    first, second = rng.normal(0, 1, (60, 12)), rng.normal(0.5, 2, (60, 12))

    class Given(torch.nn.Module):
        num_features = 12

        def forward(self, rows: Tensor) -> Tensor:
            return rows

    frechet = fid.FrechetInceptionDistance(feature=Given(), normalize=False).set_dtype(torch.float64)
    kernel = kid.KernelInceptionDistance(feature=Given(), subsets=2, subset_size=60).set_dtype(torch.float64)
    for metric in (frechet, kernel):
        metric.update(torch.from_numpy(second), real=True)
        metric.update(torch.from_numpy(first), real=False)
    assert frechet_distance(first, second) == pytest.approx(float(frechet.compute()), rel=1e-5)
    assert kernel_distance(first, second, subsets=2)[0] == pytest.approx(float(kernel.compute()[0]), rel=1e-5)


def test_frechet_distance_by_hand():
    rng = np.random.default_rng(0)
    features = rng.normal(size=(500, 3))
    assert frechet_distance(features, features) == pytest.approx(0, abs=1e-9)
    assert frechet_distance(features + np.array([3, 4, 0]), features) == pytest.approx(25)
    scaled = features * 2  # (sigma - 2 sigma)^2, summed over variances
    assert frechet_distance(scaled, features) == pytest.approx(((scaled - features).mean(0) ** 2).sum() + features.var(0, ddof=1).sum())
    one = rng.normal(size=(50, 1))
    assert frechet_distance(one + 1, one) == pytest.approx(1)
