"""The source's colours come to the right place: flat bodies are repainted exactly, and what the source hides is a mean that says so."""

import pytest
import torch
from figures import (
    ARM_ACROSS,
    LEFT_FOREARM,
    MISSING,
    RIGHT_FOREARM,
    draw,
    layers,
    make_label,
    make_pose,
    mirror,
    part_map,
    random_bodies,
)
from standing import SIZE
from torch import Tensor

from pipeline.pose.bodies.body import measure
from pipeline.pose.bodies.masks import body_mask
from pipeline.pose.bodies.parts import FIRST_LIMB_PART, HEAD_PART, N_PARTS, TORSO_PART, front_parts, part_axes, part_layers
from pipeline.pose.bodies.warp import BINS, CROP_RIM, EDGE, MEAN, SPOT, Source, crop_size, cut_parts, facing_of, lay_out, paint_by_part, warp_parts
from pipeline.pose.conditioning import WARP_CHANNELS
from pipeline.pose.skeleton import H36M_17, LIMB_FLIP, LIMB_NAMES

SPREAD = 4  # px
ALONE = {0, TORSO_PART, HEAD_PART, *(FIRST_LIMB_PART + limb for limb, other in enumerate(LIMB_FLIP) if limb == other)}  # on neither side
# Background, torso, head and limbs: colours far from each other, and none of them black.
COLOURS = torch.rand((N_PARTS + 1, 3), generator=torch.Generator().manual_seed(0)) * 1.2 - 0.3
COLOURS[COLOURS.abs() < 0.05] = 0.05
BOTH_SIDES_ALIKE = (COLOURS + COLOURS[[0, 1, 2, *(FIRST_LIMB_PART + limb for limb in LIMB_FLIP)]]) / 2


def noise(count: int = 1, seed: int = 0) -> Tensor:
    """(count, 3, H, W): images of which no two pixels are the same."""
    return torch.rand((count, 3, *SIZE), generator=torch.Generator().manual_seed(seed)) * 2 - 1


def flat(pose: Tensor, label: Tensor) -> Tensor:
    """(B, 3, H, W): people of one colour per part."""
    return COLOURS[part_map(pose, label)].permute(0, 3, 1, 2)


def warp(image: Tensor, source: Tensor, source_label: Tensor, target: Tensor, target_label: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Colours of the front parts, and what is known of them (B, H, W); the same of the second ones."""
    body = measure(target, SIZE)
    warped = warp_parts([seen(image, source, source_label)], body, part_layers(body, target_label))
    assert warped.shape == (len(image), WARP_CHANNELS, *SIZE)
    return warped[:, :3], warped[:, 3], warped[:, 4:7], warped[:, 7]


def warp_channels(*task: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """`warp`, each as channels."""
    colour, known, second, known_second = warp(*task)
    return colour, known[:, None], second, known_second[:, None]


def paint(image: Tensor, source: Tensor, source_label: Tensor, target: Tensor, target_label: Tensor) -> Tensor:
    return paint_by_part([seen(image, source, source_label)], measure(target, SIZE), target_label)


def seen(image: Tensor, pose: Tensor, label: Tensor) -> Source:
    body = measure(pose, SIZE)
    return Source(image, body, front_parts(body, label), facing_of(body))


def lay_out_images(pose: Tensor, label: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Which part each pixel shows, as in `part_map`, and where along and across it the pixel lies, NaN outside the parts: (B, H, W) each."""
    body = measure(pose, SIZE)
    layout = lay_out(body, front_parts(body, label))
    images = torch.zeros(3, pose.shape[0] * SIZE[0] * SIZE[1]).index_fill_(0, torch.tensor([1, 2]), torch.nan)
    images[:, layout.pixel] = torch.stack([layout.part + 1, layout.along, layout.across])
    part, along, across = images.view(3, len(pose), *SIZE)
    return part.long(), along, across


def turned(pose: Tensor, degrees: float, scale: float = 1.0, shift: tuple[float, float] = (0.0, 0.0)) -> Tensor:
    """The pose turned about the middle of the image, made larger, and moved."""
    angle = torch.deg2rad(torch.tensor(degrees))
    rotation = torch.tensor([[angle.cos(), -angle.sin()], [angle.sin(), angle.cos()]])
    middle = torch.tensor([SIZE[1], SIZE[0]]) / 2
    return scale * (pose - middle) @ rotation.T + middle + torch.tensor(shift)


def test_a_flat_body_in_its_own_pose_is_repainted_exactly() -> None:
    pose, label = random_bodies(6, spread=SPREAD)
    colour, known, _, _ = warp(flat(pose, label), pose, label, pose, label)
    shown = part_map(pose, label)
    exact = known == SPOT
    assert exact[shown > 0].float().mean() > 0.8
    assert torch.equal(colour.movedim(1, -1)[exact], COLOURS[shown][exact])
    rest = (shown > 0) & ~exact
    torch.testing.assert_close(colour.movedim(1, -1)[rest], COLOURS[shown][rest])  # means of a flat part
    assert (known[rest] == MEAN).all()


def test_every_pixel_that_is_not_at_the_edge_finds_itself() -> None:
    pose, label = random_bodies(6, spread=SPREAD)
    image = noise(6)
    colour, known, _, _ = warp(image, pose, label, pose, label)
    part, _, across = lay_out_images(pose, label)
    assert torch.equal(part, part_map(pose, label))
    inner = across.abs() < EDGE
    assert inner.sum() > 0.7 * (part > 0).sum()
    assert (known[inner] == SPOT).all()
    assert torch.equal(colour.movedim(1, -1)[inner], image.movedim(1, -1)[inner])


@pytest.mark.parametrize(
    "target",
    [
        make_pose() + torch.tensor([3.0, -4.0]),
        turned(make_pose(), 25),
        turned(make_pose(), -70, 0.6),
        turned(make_pose(), 180),
        turned(make_pose(), 0, 1.3),
        turned(make_pose(), 10, 0.7, (4, -9)),
        make_pose(right_elbow=(12, 26), right_wrist=(8, 12), left_knee=(56, 76), left_ankle=(58, 96)),
    ],
    ids=["moved", "turned", "turned and smaller", "upside down", "larger", "all at once", "another pose"],
)
def test_each_part_keeps_its_colour_wherever_it_goes(target: Tensor) -> None:
    colour, known, second, known_second = warp(flat(make_pose(), make_label()), make_pose(), make_label(), target, make_label())
    for here, painted, how in zip(layers(target, make_label()), (colour, second), (known, known_second), strict=True):
        there = here > 0
        assert torch.equal(how > 0, there)
        torch.testing.assert_close(painted.movedim(1, -1)[there], COLOURS[here][there])
        assert (painted.movedim(1, -1)[~there] == 0).all()
    assert (known[here > 0] == SPOT).float().mean() > 0.7


@pytest.mark.parametrize("degrees", [0, 40, 180])
def test_what_is_along_and_across_a_limb_stays_there(degrees: float) -> None:
    """The four quarters of the left thigh have four colours."""
    thigh = FIRST_LIMB_PART + LIMB_NAMES.index("left_thigh")

    def quarters(pose: Tensor) -> tuple[Tensor, Tensor]:
        """Colour of each pixel by its quarter, and which pixels are clearly in one."""
        part, along, across = lay_out_images(pose, make_label())
        clear = (part == thigh) & ((along - 0.5).abs() > 0.1) & ((along - 0.5).abs() < 0.4) & (across.abs() > 0.3) & (across.abs() < 0.8)
        return torch.stack([(along > 0.5).float(), (across > 0).float(), torch.ones_like(along)], dim=1), clear

    target = turned(make_pose(), degrees)
    colour, known, _, _ = warp(quarters(make_pose())[0], make_pose(), make_label(), target, make_label())
    expected, clear = quarters(target)
    assert clear.sum() > 50
    assert (known[clear] == SPOT).all()
    assert torch.equal(colour.movedim(1, -1)[clear], expected.movedim(1, -1)[clear])


def test_the_front_and_the_second_part_change_places_with_the_label() -> None:
    image = noise()
    front, behind = (
        torch.cat(warp_channels(image, make_pose(), make_label(), ARM_ACROSS, make_label(right_forearm=value)), dim=1)[0] for value in (1, -1)
    )
    limbs = draw(ARM_ACROSS, make_label(), "limbs")[0] > 0
    crossing = limbs[TORSO_PART - 1] & limbs[RIGHT_FOREARM - 1] & (limbs.sum(0) == 2)
    assert crossing.sum() > 50
    assert torch.equal(front[:4, crossing], behind[4:, crossing])
    assert torch.equal(front[4:, crossing], behind[:4, crossing])
    assert not torch.equal(front[:4, crossing], behind[:4, crossing])
    alone = limbs.sum(0) == 1
    assert torch.equal(front[:, alone], behind[:, alone])
    assert (front[4:, alone] == 0).all()


def test_what_the_source_hides_is_the_mean_of_the_same_part() -> None:
    """The source's forearm vanishes behind the torso: of its lower half only the mean of what is seen of it is known."""
    image, label = noise(), make_label(right_forearm=-1)
    colour, known, _, _ = warp(image, ARM_ACROSS, label, make_pose(), make_label())
    part, along, across = (values[0] for values in lay_out_images(ARM_ACROSS, label))
    shown = (part == RIGHT_FOREARM) & (across.abs() < EDGE)
    shown_bin = (BINS * along.nan_to_num()).floor().clamp(0, BINS - 1)
    part, along, _ = (values[0] for values in lay_out_images(make_pose(), make_label()))
    assert (known[0][(part == RIGHT_FOREARM) & (along > 0.8)] == MEAN).all()
    means = set()
    for row, column in ((part == RIGHT_FOREARM) & (known[0] == MEAN)).nonzero().tolist():
        of_bin = shown & (shown_bin == (BINS * along[row, column]).floor().clamp(0, BINS - 1))
        enough = bool(of_bin.sum() >= 2)
        means.add(enough)
        torch.testing.assert_close(colour[0, :, row, column], image[0][:, of_bin if enough else shown].mean(1))
    assert means == {True, False}


def test_what_the_source_hides_altogether_is_the_mean_of_the_other_side() -> None:
    pose, label = make_pose(right_elbow=(26, 46), right_wrist=(34, 54)), make_label(right_forearm=-1)
    assert not (part_map(pose, label) == RIGHT_FOREARM).any()
    colour, known, _, _ = warp(flat(pose, label), pose, label, make_pose(), make_label())
    forearm = part_map(make_pose(), make_label()) == RIGHT_FOREARM
    assert forearm.sum() > 30
    assert (known[forearm] == MEAN).all()
    torch.testing.assert_close(colour.movedim(1, -1)[forearm], COLOURS[LEFT_FOREARM].expand(int(forearm.sum()), 3))


def test_what_lies_outside_the_source_image_is_a_mean() -> None:
    source = make_pose() + torch.tensor([0.0, 30.0])  # the calves are cut off
    colour, known, _, _ = warp(flat(source, make_label()), source, make_label(), make_pose(), make_label())
    for limb in ("right_calf", "left_calf"):
        part = FIRST_LIMB_PART + LIMB_NAMES.index(limb)
        calf = (part_map(make_pose(), make_label()) == part)[0]
        assert (known[0, 108:][calf[108:]] == MEAN).all()
        torch.testing.assert_close(colour[0, :, calf].T, COLOURS[part].expand(int(calf.sum()), 3))


def test_of_a_part_without_any_source_nothing_is_known() -> None:
    source = make_pose(right_wrist=MISSING, left_wrist=MISSING)
    colour, known, second, known_second = warp(noise(), source, make_label(), ARM_ACROSS, make_label())
    for here, painted, how in zip(layers(ARM_ACROSS, make_label()), (colour, second), (known, known_second), strict=True):
        unknown = (here == RIGHT_FOREARM) | (here == LEFT_FOREARM) | (here == 0)
        assert torch.equal(how == 0, unknown)
        assert (painted.movedim(1, -1)[unknown] == 0).all()


@pytest.mark.parametrize("name", H36M_17.names)
def test_a_missing_joint_does_no_harm(name: str) -> None:
    """What hangs on it has the colour of the other side; head and torso, which have none, are not known."""
    whole, lacking = make_pose(), make_pose(**{name: MISSING})
    for source, target in ((lacking, whole), (whole, lacking), (lacking, lacking)):
        both_alike = BOTH_SIDES_ALIKE[part_map(source, make_label())].movedim(-1, 1)
        colour, known, second, known_second = warp(both_alike, source, make_label(), target, make_label())
        for here, painted, how in zip(layers(target, make_label()), (colour, second), (known, known_second), strict=True):
            torch.testing.assert_close(painted.movedim(1, -1)[how > 0], BOTH_SIDES_ALIKE[here][how > 0])
            assert (painted.movedim(1, -1)[how == 0] == 0).all()
            assert set(here[how == 0].tolist()) <= ALONE
        assert paint(both_alike, source, make_label(), target, make_label()).isfinite().all()


@pytest.mark.parametrize("gone", ["source", "target", "both"])
def test_without_any_joint_nothing_is_warped(gone: str) -> None:
    nowhere = torch.full((1, 17, 2), torch.nan)
    source, target = (nowhere if gone in (which, "both") else make_pose() for which in ("source", "target"))
    assert (torch.cat(warp_channels(noise(), source, make_label(), target, make_label()), dim=1) == 0).all()
    assert paint(noise(), source, make_label(), target, make_label()).isfinite().all()


def test_mirroring_everything_mirrors_the_result() -> None:
    source, target = random_bodies(8, spread=SPREAD), random_bodies(8, seed=1, spread=SPREAD)
    image = noise(8)
    for paint_one in (lambda *task: torch.cat(warp_channels(*task), dim=1), paint):
        plain = paint_one(image, *source, *target)
        mirrored = paint_one(image.flip(-1), *mirror(*source), *mirror(*target))
        assert ((mirrored.flip(-1) - plain).abs() > 1e-4).float().mean() < 2e-3  # a place just between two pixels may go to either


def test_no_sample_of_a_batch_sees_another() -> None:
    source, target = random_bodies(4, spread=SPREAD), random_bodies(4, seed=1, spread=SPREAD)
    image = noise(4)
    for paint_one in (lambda *task: torch.cat(warp_channels(*task), dim=1), paint):
        together = paint_one(image, *source, *target)
        for number in range(4):
            one = slice(number, number + 1)
            alone = paint_one(image[one], *(value[one] for value in (*source, *target)))
            torch.testing.assert_close(alone, together[one], rtol=0, atol=1e-6)


def test_the_target_pose_alone_says_where_the_true_background_is() -> None:
    """Nothing is warped to a place outside the target's parts, so that nothing of the source's surroundings is carried along."""
    source, target = random_bodies(4, spread=SPREAD), random_bodies(4, seed=1, spread=SPREAD)
    warped = torch.cat(warp_channels(noise(4), *source, *target), dim=1)
    outside = part_map(*target) == 0
    assert (warped.movedim(1, -1)[outside] == 0).all()


def test_a_part_is_painted_in_its_mean_colour() -> None:
    pose, label = random_bodies(3, spread=SPREAD)
    image, shown = noise(3), part_map(pose, label)
    painted = paint(image, pose, label, pose, label)
    for number in range(3):
        for part in range(1, N_PARTS + 1):
            there = shown[number] == part
            if there.sum() < 2:
                continue
            expected = image[number][:, there].mean(1)
            torch.testing.assert_close(painted[number][:, there], expected[:, None].expand(-1, int(there.sum())), rtol=0, atol=1e-5)


def test_the_background_is_the_source_s_own_and_behind_its_body_the_mean_of_it() -> None:
    image, moved = noise(), make_pose() + torch.tensor([14.0, 0.0])
    painted = paint(image, make_pose(), make_label(), moved, make_label())[0]
    outside = part_map(moved, make_label())[0] == 0
    body = body_mask(measure(make_pose(), SIZE))[0, 0] > 0
    mean = image[0][:, ~body].mean(1, keepdim=True)
    assert torch.equal(painted[:, outside & ~body], image[0][:, outside & ~body])
    uncovered = outside & body
    assert uncovered.sum() > 100
    torch.testing.assert_close(painted[:, uncovered], mean.expand(-1, int(uncovered.sum())), rtol=0, atol=1e-5)


def test_a_flat_body_is_painted_exactly_in_any_pose_and_order() -> None:
    target, target_label = random_bodies(8, spread=SPREAD)
    source, label = make_pose().expand(8, -1, -1), make_label().expand(8, -1)
    painted = paint(flat(source, label), source, label, target, target_label)
    torch.testing.assert_close(painted, flat(target, target_label), rtol=0, atol=1e-5)


def test_a_part_that_is_not_seen_is_painted_like_the_other_side_s_or_else_like_the_background() -> None:
    forearms = [part_map(make_pose(), make_label())[0] == part for part in (RIGHT_FOREARM, LEFT_FOREARM)]
    for missing, expected in (({"right_wrist": MISSING}, LEFT_FOREARM), ({"right_wrist": MISSING, "left_wrist": MISSING}, 0)):
        source = make_pose(**missing)
        painted = paint(flat(source, make_label()), source, make_label(), make_pose(), make_label())[0]
        for forearm in forearms:
            torch.testing.assert_close(painted[:, forearm], COLOURS[expected][:, None].expand(-1, int(forearm.sum())), rtol=0, atol=1e-5)


def crops(image: Tensor, pose: Tensor, label: Tensor) -> Tensor:
    """(B, parts, 3, h, w)."""
    body = measure(pose, SIZE)
    found = cut_parts(image, body, front_parts(body, label))
    assert found.shape == (len(image), *crop_size(SIZE))
    return found.unflatten(1, (N_PARTS, 3))


def test_a_crop_shows_its_own_part_alone() -> None:
    pose, label = make_pose(), make_label()
    for part, crop in enumerate(crops(flat(pose, label), pose, label)[0], 1):
        shown = crop.abs().sum(0) > 0
        assert shown.float().mean() > 0.3
        inner = crop[:, 1:-1, 1:-1][:, shown[1:-1, 1:-1]]  # colours mix at the rim
        assert ((inner - COLOURS[part][:, None]).abs().amax(0) < 1e-4).float().mean() > 0.5


def test_a_crop_goes_down_along_the_axis_and_across_from_rim_to_rim() -> None:
    """Of an image whose colours are its coordinates, each pixel says where it comes from."""
    height, width = SIZE
    pose, label = make_pose(), make_label()
    y, x = torch.meshgrid(torch.arange(height) / height, torch.arange(width) / width, indexing="ij")
    image = torch.stack([x, y, torch.ones_like(x)])[None]
    crop = crops(image, pose, label)[0, RIGHT_FOREARM - 1]
    start, end, radius = (values[0, RIGHT_FOREARM - 1] for values in part_axes(measure(pose, SIZE)))
    _, rows, columns = crop_size(SIZE)
    shown = (crop[2] - 1).abs() < 1e-5  # neither the rim of the image nor another part
    assert shown.any()
    for row, column in shown.nonzero().tolist():
        along = (row + 0.5) / rows * (1 + 2 * CROP_RIM) - CROP_RIM
        aside = (2 * (column + 0.5) / columns - 1) * radius
        axis = end - start
        place = start + along * axis + aside * torch.stack([-axis[1], axis[0]]) / axis.norm()
        found = crop[:2, row, column] * torch.tensor([width, height])
        torch.testing.assert_close(found, place, atol=1e-3, rtol=0)


def test_a_crop_is_empty_where_the_part_is_hidden_or_its_joints_are_missing() -> None:
    pose = make_pose(right_elbow=(34, 45), right_wrist=(32, 50))
    hidden, shown = (crops(noise(), pose, make_label(right_forearm=label))[0, RIGHT_FOREARM - 1] for label in (-1, 1))
    assert (hidden != 0).float().mean() < 0.5 * (shown != 0).float().mean()
    missing = crops(noise(), make_pose(right_elbow=MISSING), make_label())[0]
    assert not missing[RIGHT_FOREARM - 1].any()
    assert missing[LEFT_FOREARM - 1].any()
    assert missing.isfinite().all()


def several(sources: list[Source], target: Tensor, label: Tensor) -> tuple[Tensor, Tensor]:
    """Colours of the front parts, (B, H, W, 3), and what is known of them, (B, H, W)."""
    body = measure(target, SIZE)
    warped = warp_parts(sources, body, part_layers(body, label), facing_of(body))
    return warped[:, :3].movedim(1, -1), warped[:, 3]


def test_a_source_that_is_given_twice_tells_no_more_than_once() -> None:
    pose, label = random_bodies(5, spread=SPREAD)
    target, target_label = random_bodies(5, seed=1, spread=SPREAD)
    one = seen(noise(5), pose, label)
    alone, known = several([one], target, target_label)
    twice, known_twice = several([one, one], target, target_label)
    torch.testing.assert_close(twice, alone)
    assert torch.equal(known_twice, known)


def test_a_spot_that_one_source_hides_comes_from_the_other() -> None:
    behind, front = make_label(right_upper_arm=-1, right_forearm=-1), make_label(right_upper_arm=1, right_forearm=1)
    across = make_pose(right_elbow=(32, 44), right_wrist=(38, 60))
    first, second = seen(flat(across, behind), across, behind), seen(flat(across, front) * 0 + 0.25, across, front)
    colour, known = several([first, second], across, front)
    arm = part_map(across, front) == FIRST_LIMB_PART + LIMB_NAMES.index("right_forearm")
    hidden = arm & (part_map(across, behind) != part_map(across, front))
    assert hidden.sum() > 50
    _, known_alone = several([first], across, front)
    assert (known_alone[hidden] < SPOT).float().mean() > 0.9
    spot = hidden & (known == SPOT)
    assert spot.sum() > 0.9 * hidden.sum()
    assert (colour[spot] == 0.25).float().mean() > 0.9


def test_each_part_comes_from_the_source_that_shows_most_of_it() -> None:
    label = make_label()
    near, far = turned(make_pose(), 0, 1.2), turned(make_pose(), 0, 0.5)
    for order in (slice(None), slice(None, None, -1)):
        sources = [seen(noise(seed=seed) * 0 + value, pose, label) for seed, value, pose in ((0, 0.5, near), (1, -0.5, far))][order]
        colour, known = several(sources, make_pose(), label)
        assert (colour[known == SPOT] == 0.5).float().mean() > 0.9


def test_a_source_that_is_turned_like_the_target_goes_before_one_from_behind() -> None:
    label = make_label()
    behind = make_pose()[:, list(H36M_17.flip)]  # the left is where the right was
    assert (facing_of(measure(make_pose(), SIZE)) * facing_of(measure(behind, SIZE))).sum() < 0
    sources = [seen(noise() * 0 - 0.5, behind, label), seen(noise() * 0 + 0.5, make_pose(), label)]
    colour, known = several(sources, make_pose(), label)
    assert (colour[known == SPOT] == 0.5).all()


def test_facing_is_seen_from_above_and_follows_the_depths() -> None:
    body = measure(make_pose(), SIZE)
    left, right = (torch.tensor([H36M_17.index(f"{side}_{joint}") for joint in ("shoulder", "hip")]) for side in ("left", "right"))
    for sign in (1, -1):
        depth = torch.zeros(1, 17)
        depth[:, left], depth[:, right] = sign * 1e5, -sign * 1e5
        assert facing_of(body, depth)[0, 1] * sign > 0.99
    torch.testing.assert_close(facing_of(body, torch.zeros(1, 17))[0].abs(), torch.tensor([1.0, 0.0]))
    assert (facing_of(measure(make_pose(left_hip=(float("nan"), float("nan"))), SIZE)) == 0).all()


def test_a_part_that_only_another_source_shows_is_painted_in_its_colour() -> None:
    missing = make_pose(right_wrist=(float("nan"), float("nan")), left_wrist=(float("nan"), float("nan")))
    label, arm = make_label(), FIRST_LIMB_PART + LIMB_NAMES.index("right_forearm")
    sources = [seen(flat(missing, label), missing, label), seen(flat(make_pose(), label), make_pose(), label)]
    painted = paint_by_part(sources, measure(make_pose(), SIZE), label).movedim(1, -1)
    there = part_map(make_pose(), label) == arm
    assert there.any()
    torch.testing.assert_close(painted[there], COLOURS[arm].expand(int(there.sum()), 3))
