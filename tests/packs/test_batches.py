"""Batches: the order is known beforehand, and a mirrored pair is mirrored in everything."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from standing import RULE, SIZE, STANDING

from pipeline.config.pose import PoseConfig
from pipeline.networks.lifter import Lifter
from pipeline.packs.batches import batch_indices, choose_sources, choose_twins, make_batch
from pipeline.packs.pack import Pack, Twins
from pipeline.pose.background import LAYER_CHANNELS
from pipeline.pose.bodies.body import measure
from pipeline.pose.bodies.conditioning import BEHIND, BodyConditioning
from pipeline.pose.bodies.depth_layers import depth_layer_maps, make_depth_layers
from pipeline.pose.bodies.maps import draw_maps
from pipeline.pose.bodies.masks import body_mask, mask_idle_labels
from pipeline.pose.bodies.parts import N_PARTS, part_layers
from pipeline.pose.bodies.warp import Source, warp_parts
from pipeline.pose.conditioning import WARP_CHANNELS, AppearanceInput, encode_poses
from pipeline.pose.skeleton import H36M_17, LIMB_FLIP, LIMB_NAMES, LIMBS
from pipeline.utils.errors import UserError
from pipeline.utils.tensors import to_image, to_layer

HEIGHT, WIDTH = 48, 24
ROWS = 6
PAIRS = np.array([(i, j) for i in range(ROWS) for j in range(ROWS) if i != j])  # 30 of them
TWIN_ROWS = np.array([1, 1, 1, 4])  # row 1 has three twins, row 4 has one


def make_config(**values: object) -> PoseConfig:
    defaults = {**RULE, "depth": True, "maps": ("limbs",), "appearance": False, "lift": False, "source": True}
    return PoseConfig.model_validate({"heatmap_radius": 3, "background": "none", "head": False, **defaults, **values})


def make_conditioning(**values: object) -> BodyConditioning:
    """What networks see; the lifter, if there is one, has random weights."""
    torch.manual_seed(0)
    config = make_config(**values)
    return BodyConditioning(config, Lifter(16, 1, RULE if config.depth else None).requires_grad_(False) if config.lift else None)


@pytest.fixture
def pack() -> Pack:
    rng = np.random.default_rng(0)
    text = np.full(ROWS, "a")
    pose_3d = np.zeros((ROWS, 17, 3), np.float32)
    return Pack(
        image=rng.integers(0, 256, (ROWS, HEIGHT, WIDTH, 3), dtype=np.uint8),
        pose_2d=(rng.random((ROWS, 17, 2)) * (WIDTH, HEIGHT)).astype(np.float32),
        label=rng.integers(-1, 2, (ROWS, len(LIMBS)), dtype=np.int8),
        pose_3d=pose_3d,
        frame=np.arange(ROWS, dtype=np.int32),
        subject=text,
        sequence=text,
        identity=text,
        action=text,
        camera=text,
        offset={"a": 0},
        label_truth=None,
        label_clear=None,
        twins=Twins(
            image=rng.integers(0, 256, (4, HEIGHT, WIDTH, 3), dtype=np.uint8),
            row=TWIN_ROWS,
            chain=np.array([0, 2, 3, 1], np.int8),
            label=rng.integers(-1, 2, (4, len(LIMBS)), dtype=np.int8),
            pose_3d=pose_3d[:4],
        ),
    )


def rows_of(seed: int, steps: int, batch_size: int) -> np.ndarray:
    return np.concatenate([batch_indices(seed, step, PAIRS, batch_size, flip=True)[0] for step in range(steps)])


def test_the_order_depends_on_seed_and_step_alone() -> None:
    first = [batch_indices(3, step, PAIRS, 8, flip=True) for step in range(12)]
    for step in (11, 0, 5):  # in any order, after any other
        batch_indices(9, step, PAIRS, 4, flip=True)
        rows, flips = batch_indices(3, step, PAIRS, 8, flip=True)
        assert np.array_equal(rows, first[step][0])
        assert np.array_equal(flips, first[step][1])
    assert not np.array_equal(rows_of(3, 3, 8), rows_of(4, 3, 8))


def test_every_epoch_is_another_permutation_of_all_pairs() -> None:
    rows = rows_of(0, steps=15, batch_size=8).reshape(4, 30, 2)  # batches of 8 span the borders of epochs of 30
    expected = PAIRS[np.lexsort(PAIRS.T)]
    for epoch in rows:
        assert np.array_equal(epoch[np.lexsort(epoch.T)], expected)
    assert not np.array_equal(rows[0], rows[1])


def test_a_batch_may_be_larger_than_all_pairs() -> None:
    rows, flips = batch_indices(0, 2, PAIRS[:3], 8, flip=True)
    assert rows.shape == (8, 2)
    assert flips.shape == (8,)


def test_half_of_the_pairs_are_mirrored_or_none() -> None:
    pairs = np.repeat(PAIRS, 100, axis=0)
    assert batch_indices(0, 0, pairs, 3000, flip=True)[1].mean() == pytest.approx(0.5, abs=0.05)
    rows, flips = batch_indices(0, 0, pairs, 3000, flip=False)
    assert not flips.any()
    assert np.array_equal(rows, batch_indices(0, 0, pairs, 3000, flip=True)[0])


def test_processes_share_the_batch_of_a_single_one() -> None:
    rows, flips = batch_indices(0, 3, PAIRS, 8, flip=True)
    shares = [batch_indices(0, 3, PAIRS, 8, flip=True, rank=rank, world_size=4) for rank in range(4)]
    assert np.array_equal(np.concatenate([share[0] for share in shares]), rows)
    assert np.array_equal(np.concatenate([share[1] for share in shares]), flips)


def test_a_batch_that_cannot_be_shared_is_an_error() -> None:
    with pytest.raises(UserError, match="batch_size = 8: expected a multiple of the 3 processes"):
        batch_indices(0, 0, PAIRS, 8, flip=True, rank=0, world_size=3)


def test_no_pairs_are_an_error() -> None:
    with pytest.raises(UserError, match="no training pairs"):
        batch_indices(0, 0, PAIRS[:0], 8, flip=True)


def test_a_batch_holds_the_rows_it_names(pack: Pack) -> None:
    conditioning = make_conditioning()
    batch = make_batch(pack, PAIRS[:5], None, conditioning)
    poses, labels = torch.from_numpy(pack.pose_2d), torch.from_numpy(pack.label)
    source, target = PAIRS[:5].T
    assert torch.equal(batch.source, to_image(pack.image[source]))
    assert torch.equal(batch.target, to_image(pack.image[target]))
    maps = encode_poses(conditioning, batch.source, poses[source], labels[source], poses[target], labels[target], (HEIGHT, WIDTH)).maps
    assert torch.equal(batch.maps, maps)
    for rows, drawn in ((target, batch.maps[:, :N_PARTS]), (source, batch.maps[:, N_PARTS:])):
        observable = mask_idle_labels(measure(poses[rows], (HEIGHT, WIDTH)), labels[rows])
        assert torch.equal(drawn, draw_maps(measure(poses[rows], (HEIGHT, WIDTH)), observable, ["limbs"], 3))
    assert torch.equal(batch.mask, body_mask(measure(poses[target], (HEIGHT, WIDTH))))
    assert torch.equal(batch.negative, batch.target)
    assert batch.index.tolist() == PAIRS[:5].tolist()


def test_a_mirrored_pair_is_mirrored_in_everything(pack: Pack) -> None:
    chosen = np.array([True, False, True])
    plain, batch = (make_batch(pack, PAIRS[3:6], flip, make_conditioning()) for flip in (None, chosen))
    parts = [0, 1, *(2 + limb for limb in LIMB_FLIP)]
    both = parts + [N_PARTS + part for part in parts]
    for number, mirrored in enumerate(chosen):
        for name in ("source", "target"):
            expected = getattr(plain, name)[number]
            assert torch.equal(getattr(batch, name)[number], expected.flip(-1) if mirrored else expected)
        expected = plain.maps[number, both].flip(-1) if mirrored else plain.maps[number]
        assert (batch.maps[number] != expected).float().mean() < 1e-3
        expected = plain.mask[number].flip(-1) if mirrored else plain.mask[number]
        assert (batch.mask[number] != expected).float().mean() < 1e-3


@pytest.mark.parametrize("lift", [False, True])
def test_without_depth_the_labels_change_nothing(pack: Pack, lift: bool) -> None:
    image, poses, labels = to_image(pack.image), torch.from_numpy(pack.pose_2d), torch.from_numpy(pack.label)
    flat, deep = (
        [
            encode_poses(
                make_conditioning(depth=depth, maps=("rgb", "parts"), appearance=True, lift=lift), image, poses, label, poses, label, (HEIGHT, WIDTH)
            ).maps
            for label in (labels, -labels)
        ]
        for depth in (False, True)
    )
    assert torch.equal(flat[0], flat[1])
    assert not torch.equal(deep[0], deep[1])


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({}, 2 * N_PARTS),
        ({"source": False}, N_PARTS),
        ({"maps": ("rgb", "heatmaps")}, 2 * (3 + 17)),
        ({"appearance": True}, 8 + 2 * N_PARTS),
        ({"appearance": True, "source": False}, 8 + N_PARTS),
        ({"lift": True}, 2 * (N_PARTS + 2)),
        ({"lift": True, "appearance": True, "source": False}, 8 + N_PARTS + 2),
    ],
)
def test_channels_are_those_of_the_maps(pack: Pack, values: dict[str, object], expected: int) -> None:
    conditioning = make_conditioning(**values)
    assert conditioning.channels == make_batch(pack, PAIRS[:2], None, conditioning).maps.shape[1] == expected


def test_the_warped_source_comes_first(pack: Pack) -> None:
    batch = make_batch(pack, PAIRS[:5], None, make_conditioning(appearance=True))
    bodies = [measure(torch.from_numpy(pack.pose_2d[rows]), (HEIGHT, WIDTH)) for rows in PAIRS[:5].T]
    labels = [mask_idle_labels(body, torch.from_numpy(pack.label[rows])) for body, rows in zip(bodies, PAIRS[:5].T, strict=True)]
    shown, layers = part_layers(bodies[0], labels[0])[0], part_layers(bodies[1], labels[1])
    assert torch.equal(batch.maps[:, :8], warp_parts([Source(batch.source, bodies[0], shown)], bodies[1], layers))
    assert torch.equal(batch.maps[:, 8:], make_batch(pack, PAIRS[:5], None, make_conditioning()).maps)


def test_with_a_lifter_depth_layers_order_the_warped_source_and_are_maps_themselves(pack: Pack) -> None:
    conditioning = make_conditioning(appearance=True, lift=True)
    batch = make_batch(pack, PAIRS[:5], None, conditioning)
    bodies = [measure(torch.from_numpy(pack.pose_2d[rows]), (HEIGHT, WIDTH)) for rows in PAIRS[:5].T]
    labels = [mask_idle_labels(body, torch.from_numpy(pack.label[rows])) for body, rows in zip(bodies, PAIRS[:5].T, strict=True)]
    assert conditioning.lifter is not None
    source, target = (make_depth_layers(body, conditioning.lifter(body.joint, label), label) for body, label in zip(bodies, labels, strict=True))
    assert torch.equal(batch.maps[:, :8], warp_parts([Source(batch.source, bodies[0], source.front)], bodies[1], target[:2]))
    first_map, depth_target, depth_source = 8, 8 + N_PARTS, 10 + 2 * N_PARTS  # where those begin
    assert torch.equal(batch.maps[:, depth_target : depth_target + 2], depth_layer_maps(target))
    assert torch.equal(batch.maps[:, depth_source:], depth_layer_maps(source))
    rest = [*range(first_map, depth_target), *range(depth_target + 2, depth_source)]
    assert torch.equal(batch.maps[:, rest], make_batch(pack, PAIRS[:5], None, make_conditioning()).maps)


def test_conditioning_has_a_lifter_where_its_config_says_so() -> None:
    with pytest.raises(ValueError, match="lift = True: expected a lifter"):
        BodyConditioning(make_config(lift=True), None)
    with pytest.raises(ValueError, match="lift = False: expected no lifter"):
        BodyConditioning(make_config(), Lifter(16, 1, RULE))


def test_the_warped_source_is_mirrored_with_the_pair(pack: Pack) -> None:
    chosen = np.array([True, False, True])
    plain, batch = (make_batch(pack, PAIRS[3:6], flip, make_conditioning(appearance=True)).maps[:, :8] for flip in (None, chosen))
    for number, mirrored in enumerate(chosen):
        expected = plain[number].flip(-1) if mirrored else plain[number]
        assert ((batch[number] - expected).abs() > 1e-4).float().mean() < 2e-3


def with_boxes(pack: Pack, **values: object) -> Pack:
    """The pack of cameras that stood still: two of them, of which each took every second row."""
    low = np.random.default_rng(2).uniform(10, 30, (ROWS, 2))
    camera = np.array(["left", "right"] * (ROWS // 2))
    box = np.concatenate([low, low + np.array([[1.0, 2.0]]) * np.random.default_rng(3).uniform(40, 60, (ROWS, 1))], axis=1)
    return replace(pack, camera=camera, box=box, **values)


def test_the_background_comes_from_the_source_where_one_camera_took_both(pack: Pack) -> None:
    still = with_boxes(pack)
    plain, conditioning = make_batch(still, PAIRS, None, make_conditioning(appearance=True)), make_conditioning(appearance=True, background="source")
    batch = make_batch(still, PAIRS, None, conditioning)
    first = WARP_CHANNELS
    layer = batch.maps[:, first : first + LAYER_CHANNELS]
    assert torch.equal(torch.cat([batch.maps[:, :first], batch.maps[:, first + LAYER_CHANNELS :]], dim=1), plain.maps)
    known, one_camera = layer[:, 3].flatten(1).any(1), torch.from_numpy(still.camera[PAIRS[:, 0]] == still.camera[PAIRS[:, 1]])
    assert known.sum() >= 6
    assert not known[~one_camera].any()
    assert set(layer[:, 3].unique().tolist()) == {0, BEHIND, 1}
    assert torch.equal(make_batch(pack, PAIRS, None, conditioning).maps[:, first : first + LAYER_CHANNELS], torch.zeros_like(layer))


def test_the_background_is_mirrored_with_the_pair(pack: Pack) -> None:
    pairs, conditioning = PAIRS[[1, 3, 11]], make_conditioning(background="source")
    plain, mirrored = (make_batch(with_boxes(pack), pairs, np.full(3, flip), conditioning).maps[:, :LAYER_CHANNELS] for flip in (False, True))
    assert plain[:, 3].any()
    assert ((mirrored - plain.flip(-1)).abs() > 1e-3).float().mean() < 2e-2


def test_a_plate_is_known_across_cameras_and_the_source_fills_its_gaps(pack: Pack) -> None:
    background = np.random.default_rng(4).integers(0, 256, (ROWS, HEIGHT, WIDTH, 4), dtype=np.uint8)
    background[..., 3] = np.where(background[..., 3] > 100, 255, 0)
    still = with_boxes(pack, background=background)
    source, plate = (make_batch(still, PAIRS, None, make_conditioning(background=kind)).maps[:, :LAYER_CHANNELS] for kind in ("source", "plate"))
    told = to_layer(background[PAIRS[:, 1]])
    known = told[:, 3:] > 0
    assert torch.equal(plate[:, :3], torch.where(known, told, source)[:, :3])
    assert torch.equal(plate[:, 3:] > 0, known | (source[:, 3:] > 0))


def test_a_halved_pack_has_the_joints_where_its_smaller_images_show_them(pack: Pack) -> None:
    """A disc about a joint, drawn in the whole image, has its middle at the joint in the smaller one."""
    pose_2d = pack.pose_2d.copy()
    pose_2d[:, 0] = np.random.default_rng(1).uniform((8, 8), (WIDTH - 9, HEIGHT - 9), (ROWS, 2))
    x, y = pose_2d[:, 0].T[..., None, None]
    rows, columns = np.indices((HEIGHT, WIDTH))
    disc = np.uint8(255) * ((columns - x) ** 2 + (rows - y) ** 2 <= 6**2)
    halved = replace(pack, pose_2d=pose_2d, image=np.repeat(disc[..., None], 3, axis=3).astype(np.uint8)).halved()
    assert halved.image.shape[1:3] == halved.twins.image.shape[1:3] == (HEIGHT // 2, WIDTH // 2)
    assert np.array_equal(halved.label, pack.label)
    weight = halved.image[:][..., 0] / halved.image[:][..., 0].sum((1, 2), keepdims=True, dtype=float)
    rows, columns = np.indices(weight.shape[1:])
    middle = np.stack([(weight * columns).sum((1, 2)), (weight * rows).sum((1, 2))], axis=1)
    np.testing.assert_allclose(halved.pose_2d[:, 0], middle, atol=0.15)


def test_twins_depend_on_seed_and_step_alone(pack: Pack) -> None:
    target = np.tile(np.arange(ROWS), 4)
    first = [choose_twins(3, step, pack.twins, target, 24) for step in range(8)]
    for step in (7, 0, 5):
        choose_twins(9, step, pack.twins, target[:6], 6)
        for now, then in zip(choose_twins(3, step, pack.twins, target, 24), first[step], strict=True):
            assert np.array_equal(now, then)
    for other in (choose_twins(4, 0, pack.twins, target, 24), first[1]):
        assert not all(np.array_equal(now, then) for now, then in zip(other, first[0], strict=True))


def test_processes_share_the_twins_of_a_single_one(pack: Pack) -> None:
    target = np.random.default_rng(1).integers(0, ROWS, 24)
    whole = choose_twins(0, 5, pack.twins, target, 24)
    shares = [choose_twins(0, 5, pack.twins, part, 24, rank) for rank, part in enumerate(np.split(target, 4))]
    for number, values in enumerate(whole):
        assert np.array_equal(np.concatenate([share[number] for share in shares]), values)


def test_every_twin_of_a_row_is_chosen_alike_and_half_of_the_time_painted_instead(pack: Pack) -> None:
    target = np.tile(np.arange(ROWS), 2000)
    twin, instead = choose_twins(0, 0, pack.twins, target, len(target))
    has_any = np.isin(target, TWIN_ROWS)
    assert twin.dtype == np.int64
    assert (twin[~has_any] == -1).all()
    assert not instead[~has_any].any()
    assert np.array_equal(TWIN_ROWS[twin[has_any]], target[has_any])
    assert np.bincount(twin[target == 1]) / 2000 == pytest.approx(np.full(3, 1 / 3), abs=0.04)
    for number in range(4):
        assert instead[twin == number].mean() == pytest.approx(0.5, abs=0.06)


def test_data_without_twins_has_none(pack: Pack) -> None:
    none = Twins(*(array[:0] for array in (pack.twins.image, pack.twins.row, pack.twins.chain, pack.twins.label, pack.twins.pose_3d)))
    twin, instead = choose_twins(0, 0, none, np.arange(ROWS), ROWS)
    assert twin.tolist() == [-1] * ROWS
    assert not instead.any()


PAIRS_WITH_TWINS = np.array([(0, 1), (2, 1), (3, 4), (5, 0)])
TWINS_OF_PAIRS = np.array([0, 2, 3, -1]), np.array([False, True, True, False])


def test_target_and_twin_change_places_with_their_labels(pack: Pack) -> None:
    conditioning = make_conditioning(appearance=True)
    batch, plain = (make_batch(pack, PAIRS_WITH_TWINS, None, conditioning, twins=twins) for twins in (TWINS_OF_PAIRS, None))
    original, twin = to_image(pack.image[PAIRS_WITH_TWINS[:, 1]]), to_image(pack.twins.image[TWINS_OF_PAIRS[0]])
    assert torch.equal(batch.target, torch.stack([original[0], twin[1], twin[2], original[3]]))
    assert torch.equal(batch.negative, torch.stack([twin[0], original[1], original[2], original[3]]))
    poses, labels = torch.from_numpy(pack.pose_2d[PAIRS_WITH_TWINS]), torch.from_numpy(pack.label[PAIRS_WITH_TWINS])
    labels[[1, 2], 1] = torch.from_numpy(pack.twins.label[[2, 3]])
    maps = encode_poses(conditioning, batch.source, poses[:, 0], labels[:, 0], poses[:, 1], labels[:, 1], (HEIGHT, WIDTH)).maps
    assert torch.equal(batch.maps, maps)
    assert [torch.equal(now, then) for now, then in zip(batch.maps, plain.maps, strict=True)] == [True, False, False, True]
    for name in ("source", "mask", "index"):
        assert torch.equal(getattr(batch, name), getattr(plain, name))


def test_twins_are_mirrored_with_their_pair(pack: Pack) -> None:
    chosen = np.array([True, True, False, True])
    plain, batch = (make_batch(pack, PAIRS_WITH_TWINS, flip, make_conditioning(), twins=TWINS_OF_PAIRS) for flip in (None, chosen))
    parts = [0, 1, *(2 + limb for limb in LIMB_FLIP)]
    for number, mirrored in enumerate(chosen):
        for name in ("source", "target", "negative"):
            expected = getattr(plain, name)[number]
            assert torch.equal(getattr(batch, name)[number], expected.flip(-1) if mirrored else expected)
        expected = plain.maps[number, parts].flip(-1) if mirrored else plain.maps[number, :N_PARTS]
        assert (batch.maps[number, :N_PARTS] != expected).float().mean() < 1e-3


def test_by_itself_the_target_is_its_own_source_twin_or_not(pack: Pack) -> None:
    conditioning = BodyConditioning(make_config(source=True), None, "parts")
    batch = make_batch(pack, PAIRS_WITH_TWINS, None, conditioning, twins=TWINS_OF_PAIRS, self_reconstruction=True)
    pairs = make_batch(pack, PAIRS_WITH_TWINS, None, conditioning, twins=TWINS_OF_PAIRS)
    assert torch.equal(batch.source, batch.target)
    assert torch.equal(batch.target, pairs.target)  # the same targets, of which some are twins
    assert torch.equal(batch.negative, pairs.negative)
    assert torch.equal(batch.maps[:, :N_PARTS], batch.maps[:, N_PARTS:])  # of the target and of the source, with the same labels
    assert torch.equal(batch.maps[:, :N_PARTS], pairs.maps[:, :N_PARTS])
    poses = torch.from_numpy(pack.pose_2d[PAIRS_WITH_TWINS[:, 1]])
    labels = pack.label[PAIRS_WITH_TWINS[:, 1]].copy()
    swapped = np.flatnonzero(TWINS_OF_PAIRS[1])
    labels[swapped] = pack.twins.label[TWINS_OF_PAIRS[0][swapped]]
    own = poses, torch.from_numpy(labels)
    assert torch.equal(batch.appearance, encode_poses(conditioning, batch.target, *own, *own, (HEIGHT, WIDTH)).appearance)
    assert batch.appearance.shape[1:] == conditioning.appearance_size((HEIGHT, WIDTH))
    assert not torch.equal(batch.appearance, pairs.appearance)
    assert batch.index.tolist() == [[row, row] for row in PAIRS_WITH_TWINS[:, 1]]


@pytest.mark.parametrize("lift", [False, True])
def test_the_placed_input_is_the_warped_source_of_g1_a_quarter_as_large(pack: Pack, lift: bool) -> None:
    whole = make_batch(pack, PAIRS[:5], None, make_conditioning(appearance=True, lift=lift)).maps[:, :WARP_CHANNELS]
    conditioning = replace(make_conditioning(lift=lift), appearance_input="warped")
    appearance = make_batch(pack, PAIRS[:5], None, conditioning).appearance
    assert appearance.shape[1:] == conditioning.appearance_size((HEIGHT, WIDTH))
    torch.testing.assert_close(appearance, whole.unflatten(3, (-1, 4)).unflatten(2, (-1, 4)).mean((3, 5)))


@pytest.mark.parametrize("appearance_input", ["parts", "warped"])
def test_an_appearance_input_without_depth_is_blind_to_labels(pack: Pack, appearance_input: AppearanceInput) -> None:
    conditioning = replace(make_conditioning(depth=False), appearance_input=appearance_input)
    image, poses = to_image(pack.image[:2]), torch.from_numpy(pack.pose_2d[:2])
    labels = torch.from_numpy(pack.label[:2])
    appearances = [encode_poses(conditioning, image, poses, values, poses, values, (HEIGHT, WIDTH)).appearance for values in (labels, -labels)]
    assert torch.equal(*appearances)


def test_a_batch_with_twins_leaves_the_pack_alone(pack: Pack) -> None:
    before = [array.copy() for array in (pack.image, pack.label, pack.twins.image, pack.twins.label)]
    make_batch(pack, PAIRS_WITH_TWINS, np.ones(4, bool), make_conditioning(), twins=TWINS_OF_PAIRS)
    for now, then in zip((pack.image, pack.label, pack.twins.image, pack.twins.label), before, strict=True):
        assert np.array_equal(now, then)


@pytest.mark.parametrize("values", [{"appearance": True, "lift": True}, {}])
def test_the_label_of_a_limb_is_seen_only_where_it_overlaps_something(values: dict[str, object]) -> None:
    conditioning, image = make_conditioning(**values), torch.zeros(1, 3, *SIZE)
    told = torch.zeros(1, len(LIMBS), dtype=torch.int8)
    told[:, LIMB_NAMES.index("right_forearm")] = 1
    for elbow, wrist, matters in (((8, 37), (2, 30), False), ((20, 50), (38, 50), True)):
        pose = torch.tensor([[{"right_elbow": elbow, "right_wrist": wrist}.get(name, STANDING[name]) for name in H36M_17.names]], dtype=torch.float32)
        plain, other = (encode_poses(conditioning, image, pose, told, pose, label, SIZE).maps for label in (torch.zeros_like(told), told))
        assert torch.equal(plain, other) != matters


def test_a_pair_goes_on_with_any_number_of_its_sources() -> None:
    pairs = np.tile([7, 8, 1, 2, 3], (4000, 1))
    chosen = choose_sources(5, 3, pairs, 4000)
    assert np.array_equal(chosen[:, :2], pairs[:, :2])
    kept = (chosen[:, 2:] != 7).sum(axis=1)
    assert np.bincount(kept, minlength=4) / 4000 == pytest.approx([0.25] * 4, abs=0.03)
    for row, count in zip(chosen[:, 2:], kept, strict=True):
        assert row.tolist() == [1, 2, 3][:count] + [7] * (3 - count)
    shares = [choose_sources(5, 3, pairs[:2000], 4000, rank) for rank in (0, 1)]
    assert np.array_equal(np.concatenate(shares), chosen)
    assert np.array_equal(choose_sources(5, 3, pairs[:, :2], 4000), pairs[:, :2])


def test_a_further_source_that_is_the_first_again_changes_nothing_and_another_does(pack: Pack) -> None:
    conditioning = make_conditioning(appearance=True, lift=True, background="source")
    pairs = PAIRS[:5]
    alone = make_batch(with_boxes(pack), pairs, None, conditioning)
    again = make_batch(with_boxes(pack), np.column_stack([pairs, pairs[:, 0], pairs[:, 0]]), None, conditioning)
    torch.testing.assert_close(again.maps, alone.maps)
    assert torch.equal(again.index, alone.index)
    other = make_batch(with_boxes(pack), np.column_stack([pairs, (pairs[:, 1] + 2) % ROWS]), None, conditioning)  # of the same camera
    assert not torch.equal(other.maps[:, :WARP_CHANNELS], alone.maps[:, :WARP_CHANNELS])
    assert torch.equal(other.maps[:, WARP_CHANNELS + LAYER_CHANNELS :], alone.maps[:, WARP_CHANNELS + LAYER_CHANNELS :])
    assert torch.equal(other.appearance, alone.appearance)
    known = [batch.maps[:, WARP_CHANNELS + LAYER_CHANNELS - 1] > 0 for batch in (alone, other)]
    assert (known[1] >= known[0]).all()
    assert known[1].sum() > known[0].sum()


def test_every_source_of_a_mirrored_pair_is_mirrored(pack: Pack) -> None:
    """Labels are 0: of limbs with the same label, those of one side cover those of the other, whichever is which in the picture."""
    conditioning = make_conditioning(appearance=True)
    flat = replace(pack, label=np.zeros_like(pack.label))
    pairs = np.column_stack([PAIRS[:5], (PAIRS[:5, 1] + 1) % ROWS])
    plain, mirrored = (make_batch(flat, pairs, np.full(5, flip), conditioning).maps[:, :WARP_CHANNELS] for flip in (False, True))
    close = (mirrored.flip(3) - plain).abs().amax(dim=1) < 1e-4
    assert close.float().mean() > 0.95


def test_a_pair_that_reconstructs_its_target_has_no_further_source(pack: Pack) -> None:
    conditioning, pairs = make_conditioning(appearance=True), np.column_stack([PAIRS[:5], PAIRS[5:10, 0]])
    batch = make_batch(pack, pairs, None, conditioning, self_reconstruction=True)
    assert torch.equal(batch.maps, make_batch(pack, pairs[:, :2], None, conditioning, self_reconstruction=True).maps)
