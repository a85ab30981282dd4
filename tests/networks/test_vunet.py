"""The variational U-Net: its shapes, its latents, its first values, and that everything in it takes part."""

import pytest
import torch
from torch import Tensor

from pipeline.networks.vunet import Convolution, Enlarge, VUNet, squares, start, whole
from pipeline.utils.errors import UserError

SIZE = (64, 32)
APPEARANCES = {"parts": (30, 16, 8), "warped": (8, 16, 8), "image": (3, *SIZE)}
MAPS = 7


def make(appearance: str = "parts", dropout: float = 0.0, levels: int = 4, size: tuple[int, int] = SIZE) -> VUNet:
    torch.manual_seed(1)
    return VUNet(MAPS, appearance, APPEARANCES[appearance], size, 4, 8, levels, dropout, "a loss")


def inputs(appearance: str = "parts", count: int = 4) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    return torch.randn(count, *APPEARANCES[appearance], generator=generator), torch.randn(count, MAPS, *SIZE, generator=generator)


@pytest.mark.parametrize("appearance", APPEARANCES)
def test_every_weight_takes_part_and_the_latents_are_at_the_two_smallest_sizes(appearance: str) -> None:
    network, (seen, maps) = make(appearance), inputs(appearance)
    learned = network(seen, maps, learn=True)
    assert learned.image.shape == (4, 3, *SIZE)
    assert [tuple(mean.shape) for mean in network.encode(seen)] == [(4, 8, 8, 4), (4, 8, 16, 8)]
    (learned.image.square().mean() + learned.kl).backward()
    for name, weight in network.named_parameters():
        assert weight.grad is not None, name
        assert weight.grad.abs().sum() > 0, name


def test_the_image_is_that_of_the_means_and_of_drawn_latents_in_training() -> None:
    network, (appearance, maps) = make().eval(), inputs()
    with torch.no_grad():
        torch.testing.assert_close(network(appearance, maps), network.paint(maps, network.encode(appearance)))
        torch.testing.assert_close(network(appearance, maps), network(appearance, maps))
        first, second = (network(appearance, maps, learn=True).image for _ in range(2))
    assert (first - second).abs().mean() > 1e-3


def test_appearance_and_pose_both_matter() -> None:
    network, (appearance, maps) = make().eval(), inputs()
    with torch.no_grad():
        image = network(appearance, maps)
        assert (network(appearance.roll(1, 0), maps) - image).abs().mean() > 1e-3
        assert (network(appearance, maps.roll(1, 0)) - image).abs().mean() > 1e-3


def test_no_image_reaches_another_of_the_batch() -> None:
    network, (appearance, maps) = make().eval(), inputs()
    with torch.no_grad():
        torch.testing.assert_close(network(appearance[:1], maps[:1]), network(appearance, maps)[:1], rtol=1e-3, atol=1e-4)


def test_the_divergence_is_half_the_squared_distance_of_the_means() -> None:
    """A sum over all latents: known from the prior's means, which are asked for with the posterior's own."""
    network, (appearance, maps) = make().eval(), inputs()
    with torch.no_grad():
        means = network.encode(appearance)
        _, expected = network._paint(network.pose(maps), means)
        by_hand = sum(0.5 * (mean - other).square().sum((1, 2, 3)) for mean, other in zip(means, expected, strict=True))
        torch.testing.assert_close(network.divergence(appearance, maps), by_hand)


def test_the_prior_goes_from_group_to_group() -> None:
    """A group's mean depends on the groups before it, and on no other."""
    prior, x = make().eval().priors[0], torch.randn(2, 8, 8, 4)
    latent = torch.randn(2, 8, 8, 4)
    with torch.no_grad():
        before = squares(prior(x, latent))
        for changed in range(4):
            parts = squares(latent.clone())
            parts[changed] = parts[changed] + 1
            after = squares(prior(x, whole(parts)))
            for group in range(4):
                assert torch.equal(after[group], before[group]) == (group <= changed)


def test_samples_follow_the_prior_and_their_generator() -> None:
    network, (_, maps) = make().eval(), inputs()
    with torch.no_grad():
        first, again, other = (network.sample(maps, torch.Generator().manual_seed(seed)) for seed in (1, 1, 2))
        assert torch.equal(first, again)
        assert (first - other).abs().mean() > 1e-3
        prior, x, noise = network.priors[0], torch.randn(2, 8, 8, 4), torch.randn(2, 8, 8, 4)
        drawn = prior.sample(x, noise)
        torch.testing.assert_close(prior(x, drawn) + noise, drawn)  # each group is its mean, given those before, plus the noise


def test_upsampling_begins_without_a_checkerboard() -> None:
    enlarge, x = Enlarge(3, 5), torch.randn(2, 3, 6, 4)
    enlarged = enlarge(x)
    assert enlarged.shape == (2, 5, 12, 8)
    small = enlarged[:, :, ::2, ::2]
    torch.testing.assert_close(enlarged, small.repeat_interleave(2, 2).repeat_interleave(2, 3))
    assert small.std() > 0


def test_squares_are_put_together_again() -> None:
    x = torch.randn(2, 3, 8, 6)
    assert torch.equal(whole(squares(x)), x)


def test_the_first_batch_sets_mean_and_variance_of_every_convolution() -> None:
    network, (appearance, maps) = make(dropout=0.0), inputs(count=16)
    start(network, 5 * appearance, 0.1 * maps + 3)
    seen: list[Tensor] = []
    for module in network.pose.modules():
        if isinstance(module, Convolution):
            module.register_forward_hook(lambda _module, _inputs, output: seen.append(output))
    with torch.no_grad():
        network(5 * appearance, 0.1 * maps + 3)
    assert len(seen) == 1 + 2 * 4 + 3
    for output in seen:
        deviation, mean = torch.std_mean(output, dim=(0, 2, 3))
        torch.testing.assert_close(mean, torch.zeros_like(mean), atol=1e-3, rtol=0)
        torch.testing.assert_close(deviation, torch.ones_like(deviation), atol=1e-3, rtol=0)


def test_the_length_of_a_direction_does_not_matter() -> None:
    convolution, x = Convolution(3, 5), torch.randn(2, 3, 8, 8)
    before = convolution(x)
    with torch.no_grad():
        convolution.direction.mul_(torch.rand(5, 1, 1, 1) + 0.5)
    torch.testing.assert_close(convolution(x), before)


def test_dropout_is_for_training_alone() -> None:
    network, (appearance, maps) = make(dropout=0.5), inputs()
    with torch.no_grad():
        assert not torch.equal(network(appearance, maps), network(appearance, maps))
        network.eval()
        assert torch.equal(network(appearance, maps), network(appearance, maps))


def test_its_description_rebuilds_it() -> None:
    network = make()
    rebuilt = VUNet(**network.config)
    rebuilt.load_state_dict(network.state_dict())
    appearance, maps = inputs()
    with torch.no_grad():
        assert torch.equal(rebuilt.eval()(appearance, maps), network.eval()(appearance, maps))


@pytest.mark.parametrize("size", [(60, 32), (64, 40)])
def test_a_size_whose_latents_have_no_squares_is_an_error(size: tuple[int, int]) -> None:
    with pytest.raises(UserError, match="expected multiples of 16, since the latents of 4 sizes"):
        make("image", size=size)
