"""G1 and G2: shapes in every variant, and what they do before training."""

import itertools
import math

import pytest
import torch
from torch import nn

from pipeline.networks.squares import paste_square
from pipeline.networks.unet import G1, G2, Block, Enlarge, UNet, gather
from pipeline.pose.background import LAYER_CHANNELS
from pipeline.pose.conditioning import FINE, WARP_CHANNELS, WARP_LAYERS, CloseUp, close_up_side
from pipeline.utils.errors import UserError

SIZE = (32, 16)
MAPS = 5
TOLD = 8


def make_g1(bottleneck: str = "conv", upsampling: str = "nearest", blocks: int = 4, filters: int = 4) -> G1:
    return G1(MAPS, (), SIZE, filters, blocks, bottleneck, upsampling)


def make_colours(known: float, known_under: float) -> torch.Tensor:
    """(2, WARP_CHANNELS, H, W): colours of the parts that are seen, which are above 0, and of those beneath them, below 0; black if not known."""
    top, under = torch.rand(2, 2, 3, *SIZE) * torch.tensor([1.0, -1.0]).view(2, 1, 1, 1, 1)
    flat = torch.ones(2, 1, *SIZE)
    return torch.cat((top * (known > 0), known * flat, under * (known_under > 0), known_under * flat), dim=1)


def shake(network: nn.Module) -> None:
    """Give every weight another value: some begin at zero and hide what lies behind them."""
    torch.manual_seed(0)
    with torch.no_grad():
        for weight in network.parameters():
            weight.add_(0.05 * torch.randn_like(weight))


@pytest.mark.parametrize(
    ("bottleneck", "upsampling", "blocks"), list(itertools.product(("fc", "conv"), ("nearest", "bilinear", "transposed"), (3, 4, 5)))
)
def test_g1_paints_an_image_and_every_weight_takes_part(bottleneck: str, upsampling: str, blocks: int) -> None:
    g1 = make_g1(bottleneck, upsampling, blocks)
    shake(g1)
    coarse = g1(torch.randn(2, 3, *SIZE), torch.randn(2, MAPS, *SIZE))
    assert coarse.shape == (2, 3, *SIZE)
    coarse.square().sum().backward()
    assert all(weight.grad is not None and weight.grad.abs().sum() > 0 for weight in g1.parameters())


@pytest.mark.parametrize(("upsampling", "blocks"), list(itertools.product(("nearest", "bilinear", "transposed"), (1, 2, 3))))
def test_g2_changes_nothing_before_training(upsampling: str, blocks: int) -> None:
    g2 = G2(SIZE, 4, blocks, upsampling)
    coarse, source = torch.randn(2, 2, 3, *SIZE)
    assert torch.equal(g2(coarse, source), torch.zeros(2, 3, *SIZE))
    shake(g2)
    first = g2(coarse, source)
    assert first.abs().sum() > 0
    assert not torch.allclose(first, g2(coarse, -source))
    assert not torch.allclose(first, g2(-coarse, source))


def test_both_inputs_of_g1_matter() -> None:
    g1 = make_g1()
    shake(g1)
    source, maps = torch.randn(1, 3, *SIZE), torch.randn(1, MAPS, *SIZE)
    assert not torch.allclose(g1(source, maps), g1(-source, maps))
    assert not torch.allclose(g1(source, maps), g1(source, -maps))


@pytest.mark.parametrize(
    ("known", "known_under", "share", "share_under"),
    [
        (0, 0, 0, 0),
        (1, 0, math.exp(2) / (1 + math.exp(2)), 0),
        (0, 1, 0, 1 / 2),
        (0.5, 0.5, math.exp(2) / (2 + math.exp(2)), 1 / (2 + math.exp(2))),
    ],
)
def test_before_training_g1_paints_mostly_what_is_placed_on_top(known: float, known_under: float, share: float, share_under: float) -> None:
    colours = make_colours(known, known_under)
    g1 = G1(WARP_CHANNELS + MAPS, WARP_LAYERS, SIZE, 4, 3, "conv", "nearest")
    coarse = g1(torch.randn(2, 3, *SIZE), torch.cat((colours, torch.randn(2, MAPS, *SIZE)), 1))
    torch.testing.assert_close(coarse, share * colours[:, :3] + share_under * colours[:, 4:7])


def test_g1_mixes_its_own_colours_with_those_that_are_placed_and_every_weight_takes_part() -> None:
    g1 = G1(WARP_CHANNELS + MAPS, WARP_LAYERS, SIZE, 4, 3, "conv", "nearest")
    shake(g1)
    source, rest = torch.randn(2, 3, *SIZE), torch.randn(2, MAPS, *SIZE)
    colours = make_colours(1, 1)
    coarse = g1(source, torch.cat((colours, rest), 1))
    own = g1.unet(torch.cat((source, colours, rest), 1))[:, :3]
    mixed = torch.stack((own, colours[:, :3], colours[:, 4:7]))
    assert coarse.shape == (2, 3, *SIZE)
    assert (coarse <= mixed.amax(0) + 1e-6).all()
    assert (coarse >= mixed.amin(0) - 1e-6).all()
    coarse.square().sum().backward()
    assert all(weight.grad is not None and weight.grad.abs().sum() > 0 for weight in g1.parameters())


def test_the_background_is_one_of_the_layers() -> None:
    """Where it alone is known, G1 paints mostly that; nothing else changes."""
    colours, background = make_colours(0, 0), torch.cat((torch.rand(2, 3, *SIZE), torch.ones(2, 1, *SIZE)), 1)
    g1 = G1(WARP_CHANNELS + LAYER_CHANNELS + MAPS, (*WARP_LAYERS, "background"), SIZE, 4, 3, "conv", "nearest")
    rest = torch.randn(2, MAPS, *SIZE)
    coarse = g1(torch.randn(2, 3, *SIZE), torch.cat((colours, background, rest), 1))
    share = math.exp(2) / (1 + math.exp(2))
    torch.testing.assert_close(coarse, share * background[:, :3])


def make_heads() -> CloseUp:
    side = close_up_side(SIZE[0])
    place = torch.tensor([[SIZE[1] / 2, SIZE[0] / 4, SIZE[0] / 6], [-1e4, -1e4, 3]])  # the second head is unknown
    return CloseUp(torch.rand(2, 3, side, side), torch.randn(2, TOLD), (place * FINE).int())


def test_the_head_is_painted_once_more_in_its_square_alone_and_every_weight_takes_part() -> None:
    g1 = G1(MAPS, (), SIZE, 4, 3, "conv", "nearest", told=TOLD)
    source, maps, heads = torch.randn(2, 3, *SIZE), torch.randn(2, MAPS, *SIZE), make_heads()
    assert g1.head is not None
    torch.testing.assert_close(g1(source, maps, heads), g1.unet(torch.cat((source, maps), 1)))  # at first it adds nothing
    shake(g1)
    changed = g1(source, maps, heads) - g1.unet(torch.cat((source, maps), 1))
    inside = paste_square(torch.ones(2, 1, 8, 8), heads.place / FINE, SIZE) > 0
    assert (changed.abs().amax(1, keepdim=True) > 0)[inside].float().mean() > 0.99
    assert changed.masked_select(~inside).abs().max() < 1e-6
    assert inside[0].any()
    assert not inside[1].any()
    g1(source, maps, heads).square().sum().backward()
    assert all(weight.grad is not None and weight.grad.abs().sum() > 0 for weight in g1.parameters())


def test_which_way_a_head_looks_changes_it() -> None:
    g1 = G1(MAPS, (), SIZE, 4, 3, "conv", "nearest", told=TOLD)
    shake(g1)
    source, maps, heads = torch.randn(2, 3, *SIZE), torch.randn(2, MAPS, *SIZE), make_heads()
    for other in (heads._replace(told=-heads.told), heads._replace(source=heads.source.flip(2))):
        assert (g1(source, maps, heads) - g1(source, maps, other))[0].abs().max() > 1e-4


def test_g1_paints_alone_where_nothing_is_placed() -> None:
    g1 = G1(WARP_CHANNELS + MAPS, WARP_LAYERS, SIZE, 4, 3, "conv", "nearest")
    shake(g1)
    source, maps = torch.randn(2, 3, *SIZE), torch.cat((make_colours(0, 0), torch.randn(2, MAPS, *SIZE)), 1)
    torch.testing.assert_close(g1(source, maps), g1.unet(torch.cat((source, maps), 1))[:, :3])


def test_filters_grow_linearly_and_the_decoder_is_as_wide_as_what_it_joins() -> None:
    unet = UNet(3, 3, (64, 32), filters=8, blocks=5, bottleneck="fc", upsampling="nearest")
    assert [block.first.in_channels for block in unet.encoder] == [8, 16, 24, 32, 40]
    assert [block.first.in_channels for block in unet.decoder] == [8 + 40, 32 + 32, 24 + 24, 16 + 16, 8 + 8]


def test_no_pixel_of_an_image_reaches_another_image_of_the_batch() -> None:
    g1 = make_g1("fc")
    shake(g1)
    source, maps = torch.randn(2, 3, *SIZE), torch.randn(2, MAPS, *SIZE)
    both = g1(source, maps)
    torch.testing.assert_close(g1(source[:1], maps[:1]), both[:1])


def test_a_block_rectifies_its_input_at_first() -> None:
    unet = UNet(3, 3, SIZE, filters=4, blocks=3, bottleneck="conv", upsampling="nearest")
    x = torch.randn(1, 4, 8, 8)
    assert isinstance(unet.encoder[0], Block)
    assert torch.equal(unet.encoder[0](x), x.relu())


def test_enlarging_after_the_convolution_is_the_same_as_before_it() -> None:
    enlarge = Enlarge(6, 4, "nearest")
    x = torch.randn(2, 6, 5, 3)
    expected = enlarge.convolution(nn.functional.interpolate(x, scale_factor=2, mode="nearest")).relu()
    torch.testing.assert_close(enlarge(x), expected)


@pytest.mark.parametrize(("shrink", "decoder"), [(1, "light"), (2, "joined"), (2, "light"), (4, "light")])
def test_a_u_net_that_works_on_smaller_images_paints_whole_ones_of_any_size(shrink: int, decoder: str) -> None:
    g1 = G1(WARP_CHANNELS + MAPS, WARP_LAYERS, SIZE, 4, 3, "conv", "nearest", None, shrink, decoder)
    assert G1(**g1.config).config == g1.config
    shake(g1)
    for height, width in (SIZE, (64, 48)):
        source, maps = torch.randn(2, 3, height, width), torch.randn(2, WARP_CHANNELS + MAPS, height, width)
        coarse = g1(source, maps)
        assert coarse.shape == (2, 3, height, width)
    coarse.square().sum().backward()
    assert all(weight.grad is not None and weight.grad.abs().sum() > 0 for weight in g1.parameters())


def test_a_light_decoder_is_as_wide_as_the_encoder() -> None:
    unet = UNet(3, 3, (64, 32), filters=8, blocks=3, bottleneck="conv", upsampling="nearest", decoder="light")
    assert [block[2].first.in_channels for block in unet.decoder] == [24, 16, 8]


def test_gathered_pixels_are_spread_again_to_where_they_were() -> None:
    image = torch.randn(2, 3, *SIZE)
    for shrink in (1, 2, 4):
        gathered = gather(image, shrink)
        assert gathered.shape == (2, 3 * shrink**2, SIZE[0] // shrink, SIZE[1] // shrink)
        assert torch.equal(nn.functional.pixel_shuffle(gathered, shrink), image)


@pytest.mark.parametrize("size", [(36, 16), (32, 20)])
def test_a_size_that_cannot_be_halved_is_an_error(size: tuple[int, int]) -> None:
    with pytest.raises(UserError, match=r"data.image_size = \[\d+, \d+\]: expected multiples of 8, since model.shrink = 1 divides it and 4 blocks"):
        G1(MAPS, (), size, 4, 4, "conv", "nearest")
