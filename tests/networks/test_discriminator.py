"""D: what it sees, and what it does not."""

import pytest
import torch

from pipeline.networks.discriminator import D
from pipeline.utils.errors import UserError


@pytest.mark.parametrize("kind", ["pair", "triplet"])
@pytest.mark.parametrize(("size", "border"), [((128, 64), 4), ((64, 32), 0), ((32, 16), 2), ((100, 60), 3)])
def test_one_logit_per_place_whatever_the_size(kind: str, size: tuple[int, int], border: int) -> None:
    logits = D(size, kind, border)(*torch.randn(2, 3, 3, *size))
    assert logits.shape[:2] == (3, 1)
    assert min(logits.shape[2:]) in (3, 4)


def test_a_pair_is_judged_by_both_images_and_a_single_image_by_itself() -> None:
    source, image = torch.randn(2, 2, 3, 32, 16)
    for kind, same in (("pair", False), ("triplet", True)):
        d = D((32, 16), kind, 0).eval()
        assert torch.allclose(d(source, image), d(-source, image)) is same
        assert not torch.allclose(d(source, image), d(source, -image))


def test_the_border_is_not_seen() -> None:
    d = D((32, 16), "pair", 2).eval()
    source, image = torch.randn(2, 1, 3, 32, 16)
    inside = torch.zeros(1, 3, 32, 16)
    inside[:, :, 2:-2, 2:-2] = 1
    noise = torch.randn(1, 3, 32, 16)
    torch.testing.assert_close(d(source + noise * (1 - inside), image + noise * (1 - inside)), d(source, image))
    edge = torch.zeros(1, 3, 32, 16)
    edge[:, :, 2, 2] = 1
    assert not torch.allclose(d(source, image + edge), d(source, image))


def test_an_image_is_judged_alike_in_any_batch() -> None:
    d = D((32, 16), "pair", 0).eval()
    source, image = torch.randn(2, 4, 3, 32, 16)
    torch.testing.assert_close(d(source, image)[:1], d(source[:1], image[:1]))


def test_a_border_that_leaves_nothing_is_an_error() -> None:
    with pytest.raises(UserError, match=r"model.border = 5: expected at least 8 px .* found 6; lower it"):
        D((32, 16), "pair", 5)
