"""Squares keep what they show through cutting and pasting, wherever they lie, and nothing outside of them changes."""

import pytest
import torch
from torch import Tensor

from pipeline.networks.squares import SOFT, cut_square, paste_square

SIZE = (48, 24)
PLACES = torch.tensor([[12.0, 20.0, 5.0], [9.25, 30.5, 7.75], [1.0, 2.0, 6.0]])  # the last one hangs over the corner


def waves(count: int) -> Tensor:
    """(count, 1, H, W): a smooth image."""
    rows, columns = torch.meshgrid(torch.arange(float(SIZE[0])), torch.arange(float(SIZE[1])), indexing="ij")
    return (torch.sin(rows / 7) + torch.cos(columns / 6)).expand(count, 1, *SIZE)


def test_a_square_shows_its_place_in_the_image() -> None:
    rows, columns = torch.meshgrid(torch.arange(float(SIZE[0])), torch.arange(float(SIZE[1])), indexing="ij")
    cut = cut_square(torch.stack([columns, rows]).expand(2, 2, *SIZE), PLACES[:2], 16)
    steps = (torch.arange(16) + 0.5) / 8 - 1
    for number, (column, row, half) in enumerate(PLACES[:2]):
        torch.testing.assert_close(cut[number, 0], (column + half * steps).expand(16, 16), atol=1e-4, rtol=0)
        torch.testing.assert_close(cut[number, 1], (row + half * steps)[:, None].expand(16, 16), atol=1e-4, rtol=0)


def test_beyond_the_image_its_border_goes_on() -> None:
    image = torch.rand(1, 3, *SIZE)
    cut = cut_square(image, PLACES[2:], 16)
    assert torch.equal(cut[0, :, 0, 0], image[0, :, 0, 0])


@pytest.mark.parametrize("side", [8, 16, 32])
def test_what_is_pasted_is_what_was_cut(side: int) -> None:
    image = waves(3)
    weight = paste_square(torch.ones(3, 1, side, side), PLACES, SIZE)
    inner = weight > 1 - 1e-6
    assert inner.flatten(1).sum(1).min() > 20
    again = paste_square(cut_square(image, PLACES, side), PLACES, SIZE)
    torch.testing.assert_close(again[inner], image[inner], atol=0.03, rtol=0)


def test_what_is_pasted_fades_towards_the_edge_and_ends_there() -> None:
    weight = paste_square(torch.ones(3, 1, 16, 16), PLACES, SIZE)[:, 0]
    rows, columns = torch.meshgrid(torch.arange(float(SIZE[0])), torch.arange(float(SIZE[1])), indexing="ij")
    for number, (column, row, half) in enumerate(PLACES):
        down, across = (rows - row).abs() / half, (columns - column).abs() / half
        expected = ((1 - down) / SOFT).clamp(0, 1) * ((1 - across) / SOFT).clamp(0, 1)
        torch.testing.assert_close(weight[number], expected, atol=1e-5, rtol=0)


def test_a_square_far_outside_changes_nothing() -> None:
    away = torch.tensor([[-1e4, -1e4, 3.0]])
    assert paste_square(torch.ones(1, 3, 16, 16), away, SIZE).abs().sum() == 0
    assert cut_square(torch.rand(1, 3, *SIZE), away, 16).isfinite().all()


def test_pasting_is_smaller_when_many_pixels_become_one() -> None:
    """Fine stripes on a square that is pasted small become their mean, not a pattern of which one sees every third line."""
    stripes = (torch.arange(32) % 2).float().expand(1, 1, 32, 32)
    pasted = paste_square(stripes, torch.tensor([[12.0, 20.0, 5.0]]), SIZE)
    torch.testing.assert_close(pasted[0, 0, 17:24, 9:16], torch.full((7, 7), 0.5), atol=0.05, rtol=0)
