"""LPIPS and DISTS, with files of the right form that the tests make; values of the authors' packages where these are installed."""

from pathlib import Path

import pytest
import torch
from perceptual_files import alexnet, dists_weights, lpips_layers, random, saved, vgg16
from torch import Tensor

from pipeline.evaluation.scores.perceptual import ALEXNET, DISTS, LPIPS, Perceptual
from pipeline.utils.errors import UserError

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Path]]:
    folder = tmp_path_factory.mktemp("weights")
    lpips = [saved(alexnet(), folder, "alexnet-owt-"), saved(lpips_layers(), folder, "alex")]
    return {"lpips": lpips, "dists": [saved(vgg16(), folder, "vgg16-"), saved(dists_weights(), folder, "weights")]}


def images() -> tuple[Tensor, Tensor]:
    """A picture twice, and the same but a little, and much, different."""
    picture = (random(1, 3, 64, 48) * 255).repeat(2, 1, 1, 1)
    noise = random(2, 3, 64, 48) * 255
    return picture.byte(), torch.lerp(picture, noise, torch.tensor([0.05, 0.8])[:, None, None, None]).byte()


def distance(network: Perceptual, first: Tensor, second: Tensor) -> Tensor:
    return network.distance(network.layers(first), network.layers(second))


@pytest.mark.parametrize("kind", [LPIPS, DISTS])
def test_it_is_none_of_equal_images_and_grows(kind: type[Perceptual], files: dict[str, list[Path]]) -> None:
    network, (first, second) = kind(files[kind.key], CPU), images()
    torch.testing.assert_close(distance(network, first, first), torch.zeros(2), atol=1e-5, rtol=0)
    little, much = distance(network, first, second).tolist()
    assert 0 < little < much
    torch.testing.assert_close(distance(network, first[1:], second[1:]), distance(network, first, second)[1:])
    smallest = torch.zeros(1, 3, kind.least, kind.least, dtype=torch.uint8)
    assert distance(network, smallest, 255 - smallest).isfinite().all()


def test_files_that_do_not_serve_are_one_line(files: dict[str, list[Path]], tmp_path: Path) -> None:
    network, layers = files["lpips"]
    renamed = tmp_path / "alexnet-owt-7be5be79.pth"
    renamed.write_bytes(network.read_bytes())
    nothing = saved({}, tmp_path, "nothing")
    damaged = tmp_path / "damaged.pth"
    damaged.write_bytes(b"damaged")
    unnamed = saved(alexnet(), tmp_path, "alexnet")
    infinite = saved(lpips_layers() | {"lin1.model.1.weight": torch.full((1, 192, 1, 1), torch.inf)}, tmp_path, "infinite")
    for pair, words in (
        ([tmp_path / "none.pth", layers], r"none\.pth: evaluate\.lpips expects alexnet-owt-7be5be79\.pth, found no such file"),
        ([renamed, layers], r"7be5be79\.pth: expected a SHA-256 that begins with 7be5be79, found"),
        ([unnamed, layers], r"alexnet\.pth: expected the name that torchvision gives the file"),
        ([files["dists"][0], layers], r"expected features\.0\.weight of shape \[64, 3, 11, 11\], all finite, found \[64, 3, 3, 3\]"),
        ([network, nothing], r"nothing\.pth: expected lin0\.model\.1\.weight of shape \[1, 64, 1, 1\], all finite, found nothing"),
        ([network, damaged], r"damaged\.pth: expected weights as torch saves them"),
        ([network, infinite], r"infinite\.pth: expected lin1\.model\.1\.weight of shape"),
    ):
        with pytest.raises(UserError, match=words) as error:
            LPIPS(pair, CPU)
        assert "\n" not in str(error.value)


def test_lpips_has_the_values_of_its_authors_package(files: dict[str, list[Path]]) -> None:
    lpips = pytest.importorskip("lpips")
    theirs = lpips.LPIPS(net="alex", pnet_rand=True, pretrained=False, verbose=False).eval()
    for number, (place, convolution) in enumerate(zip(ALEXNET, (1, 2, 3, 4, 5), strict=True)):
        layer = next(part for part in getattr(theirs.net, f"slice{convolution}") if isinstance(part, torch.nn.Conv2d))
        layer.load_state_dict({kind: alexnet()[f"features.{place}.{kind}"] for kind in ("weight", "bias")})
        theirs.lins[number].load_state_dict({"model.1.weight": lpips_layers()[f"lin{number}.model.1.weight"]})
    first, second = images()
    expected = theirs(first / 127.5 - 1, second / 127.5 - 1).detach().flatten()
    torch.testing.assert_close(distance(LPIPS(files["lpips"], CPU), first, second), expected, atol=1e-6, rtol=1e-4)


def test_dists_has_the_values_of_its_authors_package(files: dict[str, list[Path]]) -> None:
    """Those of DISTS-pytorch 0.1 for these files and images, worked out once: it fetches VGG-16 wherever it is made."""
    torch.testing.assert_close(distance(DISTS(files["dists"], CPU), *images()), torch.tensor([0.0010769, 0.0412064]), atol=1e-6, rtol=1e-4)
