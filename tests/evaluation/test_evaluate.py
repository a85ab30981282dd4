"""Evaluation of whole test sets: people drawn from their part maps, so that a model that reads the part map paints them exactly."""

import csv
import json
from dataclasses import replace

import h5py
import numpy as np
import pytest
import torch
from by_hand import AddsNothing, HandsOn, PaintsByHand
from click.testing import CliRunner
from perceptual_files import alexnet, lpips_layers, saved
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from standing import RULE
from torch import Tensor, nn
from torch.nn import functional as F

from pipeline.config.evaluate import EvaluateConfig
from pipeline.config.pose import MapConfig
from pipeline.evaluation import twins
from pipeline.evaluation.by_network import PoseScore
from pipeline.evaluation.evaluate import evaluate
from pipeline.evaluation.examples.cases import read_cases
from pipeline.evaluation.pair_scores import PairScores
from pipeline.evaluation.scores.declared import PAIR_SCORES, SCORES, USUAL_SCORES
from pipeline.evaluation.scores.image.ssim import ssim
from pipeline.evaluation.scores.score import ImagePairs
from pipeline.evaluation.twins import count_twins, judge_twins, twin_task
from pipeline.inference.batched import BatchedGenerator, Task
from pipeline.inference.generator import Generator
from pipeline.inference.images import IMAGES
from pipeline.networks.checkpoint import save_network
from pipeline.networks.lifter import Lifter
from pipeline.networks.openpose import PoseNet, bones
from pipeline.networks.unet import G1, G2
from pipeline.networks.vunet import VUNet
from pipeline.packs.pack import Pack, Twins
from pipeline.pose.bodies.body import measure
from pipeline.pose.bodies.conditioning import BodyConditioning
from pipeline.pose.bodies.parts import FIRST_LIMB_PART, front_parts
from pipeline.pose.conditioning import WARP_CHANNELS
from pipeline.pose.skeleton import H36M_17, LIMB_NAMES
from pipeline.pose_estimation.targets import draw_targets, pose_loss
from pipeline.utils.devices import choose_device
from pipeline.utils.errors import UserError
from pipeline.utils.files import file_hash
from pipeline.utils.tensors import to_image, to_uint8
from stages.evaluate import main

SIZE = (64, 32)
CPU = torch.device("cpu")
CONFIG = EvaluateConfig(batch_size=5, threads=1, samples=4, inception=None, lpips=None, dists=None, patn=False, pose_net=None)
PARTS = MapConfig(depth=True, maps=("parts",), appearance=False, lift=False, source=False, background="none", head=False, heatmap_radius=4)
# Background, torso, head and limbs: colours far from each other.
COLOURS = torch.tensor(
    [
        [60, 230, 240, 200, 255, 0, 0, 0, 0, 160, 255],
        [60, 230, 180, 0, 90, 0, 140, 120, 255, 0, 0],
        [60, 230, 140, 0, 0, 200, 255, 0, 60, 160, 200],
    ]
).T
# The left forearm lies across the torso.
STANDING = np.array(
    [
        [16, 13, 13, 13, 19, 19, 19, 16, 16, 16, 16, 21, 25, 17, 11, 7, 6],
        [34, 34, 45, 57, 34, 45, 57, 26, 17, 12, 6, 18, 25, 27, 18, 26, 33],
    ],
    dtype=np.float32,
).T
UPPER_ARM, FOREARM = LIMB_NAMES.index("left_upper_arm"), LIMB_NAMES.index("left_forearm")


def draw(pose_2d, label):
    return COLOURS[front_parts(measure(torch.from_numpy(pose_2d), SIZE), torch.from_numpy(label)).long()].to(torch.uint8).numpy()


@pytest.fixture
def pack():
    """Two identities, each seen by two cameras at four times, the left forearm before the torso; one twin of every second row."""
    rng = np.random.default_rng(0)
    count = 16
    pose_2d = STANDING + rng.normal(0, 0.7, (count, 17, 2)).astype(np.float32)
    label = np.zeros((count, len(LIMB_NAMES)), dtype=np.int8)
    label[:, FOREARM] = 1
    twin = label[::2].copy()
    twin[:, FOREARM] = -1
    truth = label.copy()
    truth[0, 0] = 1
    return Pack(
        image=draw(pose_2d, label),
        pose_2d=pose_2d,
        label=label,
        pose_3d=np.zeros((count, 17, 3), dtype=np.float32),
        frame=np.tile(np.array([0, 5, 10, 15], dtype=np.int32), 4),
        subject=np.array(["S9"] * count),
        sequence=np.repeat(["Directions", "Walking"], 8),
        identity=np.repeat(["ann", "bob"], 8),
        action=np.repeat(["Directions", "Walking"], 8),
        camera=np.tile(np.repeat(["54138969", "55011271"], 4), 2),
        offset={"S9": 0},
        label_truth=truth,
        label_clear=np.ones((count, len(LIMB_NAMES)), dtype=bool),
        twins=Twins(draw(pose_2d[::2], twin), np.arange(0, count, 2), np.full(8, 2, dtype=np.int8), twin, np.zeros((8, 17, 3), dtype=np.float32)),
    )


@pytest.fixture
def pairs():
    """Per identity: neighbours of one camera, and one pair across cameras."""
    return np.array([(start + a, start + b) for start in (0, 8) for a, b in ((0, 1), (1, 2), (3, 2), (5, 6), (6, 7), (2, 7))])


class PaintsParts(PaintsByHand):
    """Gives each pixel the colour of the part that the part map shows there: the perfect model of these people."""

    def forward(self, _: Tensor, maps: Tensor) -> Tensor:
        background = 1 - maps.sum(1, keepdim=True)
        return torch.einsum("bphw,pc->bchw", torch.cat((background, maps), 1), COLOURS / 127.5 - 1)


def see(pose):
    """What networks see; the lifter, if there is one, has random weights."""
    return BodyConditioning(pose, Lifter(16, 1, RULE if pose.depth else None) if pose.lift else None)


def perfect(pose=PARTS):
    return Generator(PaintsParts(), AddsNothing(), see(pose), SIZE)


def networks(pose):
    """G1 and G2 with random weights (before training both paint grey)."""
    torch.manual_seed(0)
    conditioning = see(pose)
    g1 = G1(conditioning.channels, conditioning.layers, SIZE, 4, 3, "conv", "nearest", conditioning.lifter and conditioning.lifter.config)
    g2 = G2(SIZE, 4, 1, "nearest")
    for parameter in [*g1.parameters(), *g2.parameters()]:
        nn.init.normal_(parameter, std=0.1)
    return g1.eval(), g2.eval()


@pytest.fixture
def scored(pack, pairs):
    return evaluate(perfect(), pack, pairs, CONFIG, CPU)


def test_the_perfect_model_is_perfect(scored):
    figures, _ = scored
    for image in ("coarse", "refined"):
        assert (figures[image]["ssim"], figures[image]["l1"], figures[image]["overlap_l1"], figures[image]["sharpness"]) == (1, 0, 0, 1)
    assert figures["depth"]["order_accuracy"] == 1
    assert figures["depth"]["order_cases"] == 8
    assert figures["depth"]["order_by_chain"]["left_arm"] == {"order_accuracy": 1, "order_cases": 8}
    assert figures["source"]["ssim"] < 1


def test_a_model_that_is_told_nothing_of_depth_is_right_half_of_the_time(pack, pairs):
    blind = PARTS.model_copy(update={"depth": False})
    depth = evaluate(perfect(blind), pack, pairs, CONFIG, CPU)[0]["depth"]
    assert depth["order_accuracy"] == 0.5
    assert depth["order_by_image"]["refined"] == {"order_accuracy": 0.5, "order_low": 0.5, "order_high": 0.5}
    assert depth["order_by_image"]["by_part"]["order_accuracy"] == 1  # this baseline is told, whatever the networks are
    assert (depth["response"], depth["response_alone"]) == (0, 0)
    g1, g2 = networks(blind)
    assert evaluate(Generator(g1, g2, see(blind), SIZE), pack, pairs, CONFIG, CPU)[0]["depth"]["order_accuracy"] == 0.5


def test_a_model_that_swaps_the_order_is_always_wrong(pack, pairs):
    swapped = replace(pack, twins=replace(pack.twins, image=pack.image[::2]), image=pack.image.copy())
    swapped.image[::2] = pack.twins.image
    depth = evaluate(perfect(), swapped, pairs, CONFIG, CPU)[0]["depth"]
    assert depth["order_accuracy"] == depth["order_low"] == depth["order_high"] == 0


def test_twins_that_cannot_be_judged_are_left_out(pack, pairs):
    label, image = pack.twins.label.copy(), pack.twins.image.copy()
    label[0] = pack.label[0]  # no label differs
    image[1] = pack.image[2]  # no pixel differs
    changed = replace(pack, twins=replace(pack.twins, label=label, image=image))
    depth = evaluate(perfect(), changed, pairs, CONFIG, CPU)[0]["depth"]
    assert (depth["order_cases"], depth["order_left_out"], depth["order_accuracy"]) == (6, 0.25, 1)


def test_the_order_is_also_known_by_what_the_source_shows(pack, scored, monkeypatch):
    by_source = scored[0]["depth"]["order_by_source"]
    nobody = {"order_accuracy": None, "order_low": None, "order_high": None, "order_cases": 0}
    assert by_source == {"shown": {"order_accuracy": 1, "order_low": 1, "order_high": 1, "order_cases": 8}, "hidden": nobody}
    behind = pack.label.copy()
    behind[1:8:2, FOREARM] = -1  # of the first person's rows without twins, which are the sources
    pairs = np.array([(start + a, start + b) for start in (0, 8) for a, b in ((1, 0), (3, 2), (5, 6), (7, 4))])
    monkeypatch.setattr(twins, "SHOWN", 14 / (SIZE[0] * SIZE[1]))
    by_source = evaluate(perfect(), replace(pack, label=behind), pairs, CONFIG, CPU)[0]["depth"]["order_by_source"]
    assert (by_source["shown"]["order_cases"], by_source["hidden"]["order_cases"]) == (4, 4)


def test_the_limbs_of_a_perfect_model_are_as_whole_as_the_truths(scored):
    depth = scored[0]["depth"]
    judged = {name: limb for name, limb in depth["limbs"].items() if limb["cases"]}
    assert judged
    assert depth["limb_l1"] == 0
    for limb in judged.values():
        assert limb["limb_own"] == limb["limb_own_truth"]


def test_labels_change_the_limbs_that_overlap_and_no_others(scored):
    depth = scored[0]["depth"]
    assert depth["response"] > 0.02
    assert depth["response_alone"] == 0


def test_label_figures_and_confusion(scored):
    figures, cases = scored
    assert figures["depth"]["label_accuracy"] == pytest.approx(1 - 1 / (16 * len(LIMB_NAMES)), abs=1e-6)
    assert cases.labels.confusion.sum() == 16 * len(LIMB_NAMES)
    assert cases.labels.confusion[0].tolist() == [[0, 0, 0], [0, 15, 0], [0, 1, 0]]


def test_the_file_of_scores_is_nested_as_documented(scored, pairs):
    figures, _ = scored
    assert list(figures) == ["pairs", *IMAGES, "generator", "precision", "latent", "depth", "by"]
    assert [name for name in figures["refined"] if not name.endswith(("_std", "_low", "_high"))] == list(SCORES)
    assert [name for name in figures["depth"] if name in ("order_accuracy", "order_cases", "label_accuracy", "response")] == [
        "order_accuracy",
        "order_cases",
        "label_accuracy",
        "response",
    ]
    assert figures["pairs"] == len(pairs)
    for groups in figures["by"].values():
        assert sum(group["pairs"] for group in groups.values()) == len(pairs)
    assert figures["by"]["view"]["other"]["pairs"] == 2
    assert list(figures["by"]["action"]) == ["Directions", "Walking"]
    assert list(figures["by"]["distance"]) == ["near", "middle", "far"]
    json.dumps(figures, allow_nan=False)


def test_doing_nothing_is_scored_by_handing_back_the_source(pack, pairs, scored):
    source, target = (torch.from_numpy(pack.image[rows]).permute(0, 3, 1, 2) for rows in pairs.T)
    everywhere = torch.ones(len(source), 1, *SIZE, dtype=torch.bool)
    expected = ssim(ImagePairs(source, target, everywhere, everywhere))
    np.testing.assert_allclose(scored[1].pairs.scores[0, 0], expected, atol=1e-6)
    assert scored[0]["source"]["ssim"] == pytest.approx(float(expected.mean()), abs=1e-5)


def test_cases_hold_what_the_report_shows(pack, pairs):
    g1, g2 = networks(PARTS)
    figures, cases = evaluate(Generator(g1, g2, see(PARTS), SIZE), pack, pairs, CONFIG, CPU)
    error = cases.pairs.scores[IMAGES.index("refined"), PAIR_SCORES.index("mask_l1")]
    assert cases.pairs.scores.shape == (len(IMAGES), len(PAIR_SCORES), len(pairs))
    assert error.mean() == pytest.approx(figures["refined"]["mask_l1"], abs=1e-5)
    np.testing.assert_array_equal(cases.best.mask_l1, np.sort(error)[:2])
    np.testing.assert_array_equal(cases.worst.mask_l1, np.sort(error)[::-1][:2])
    np.testing.assert_array_equal(cases.samples.truth, pack.image[pairs[[0, 4, 7, 11], 1]])
    assert cases.samples.caption[0] == "S9/Directions/54138969/5"
    assert cases.twins.caption.tolist() == ["left arm of S9/Directions/54138969/0"]
    np.testing.assert_array_equal(cases.twins.truth, pack.image[:1])
    assert not np.array_equal(cases.twins.painted, cases.twins.painted_twin)


def test_the_variational_u_net_shows_its_latents(pack, pairs):
    torch.manual_seed(0)
    pose = PARTS.model_copy(update={"source": False})
    conditioning = BodyConditioning(pose, None, "parts")
    network = VUNet(conditioning.channels, "parts", conditioning.appearance_size(SIZE), SIZE, 4, 8, 4, 0.0, "a loss")
    pairs = np.concatenate([pairs, pairs[:6]])  # people alternate
    figures, cases = evaluate(Generator(network.eval(), AddsNothing(), conditioning, SIZE), pack, pairs, CONFIG, CPU)
    assert (figures["generator"], figures["loss"]) == ("vunet", "a loss")
    assert figures["latent"]["kl"] > 0
    assert figures["latent"]["swap"] > 0
    shown = cases.appearances
    assert shown.between.shape == (4, 5, *SIZE, 3)
    assert shown.sampled.shape == (4, 4, *SIZE, 3)
    chosen = [0, 6, 11, 17]
    others = [(pack.identity == name).nonzero()[0] for name in np.where(pack.identity[pairs[chosen, 0]] == "ann", "bob", "ann")]
    for number, (source, target) in enumerate(pairs[chosen]):
        assert any(np.array_equal(shown.other[number], pack.image[row]) for row in others[number])
        batched = BatchedGenerator(Generator(network, AddsNothing(), conditioning, SIZE), pack, 1, CPU)
        own = batched.paint(batched.measure(Task(np.array([source]), np.array([target]), pack.label[[target]])))[0]
        np.testing.assert_array_equal(shown.between[number, 0], own[0].permute(1, 2, 0))
    assert len({image.tobytes() for row in shown.sampled for image in row}) == 16


def test_without_truth_and_twins_their_scores_are_null(pack, pairs):
    twins = Twins(*(array[:0] for array in (pack.twins.image, pack.twins.row, pack.twins.chain, pack.twins.label, pack.twins.pose_3d)))
    real = replace(pack, label_truth=None, label_clear=None, twins=twins)
    figures, cases = evaluate(perfect(), real, pairs, CONFIG, CPU)
    assert all(figures["depth"][name] is None for name in ("order_accuracy", "order_left_out", "label_accuracy", "label_accuracy_balanced"))
    assert figures["depth"]["order_cases"] == 0
    assert figures["depth"]["response"] > 0
    assert all(value is None for order in figures["depth"]["order_by_image"].values() for value in order.values())
    assert len(cases.twins.source) == 0
    assert not cases.labels.confusion.any()


def test_a_twin_is_painted_from_a_stored_pair_of_its_person(pack, pairs):
    task = twin_task(pack, pairs)
    assert (pack.identity[task.source] == pack.identity[task.target]).all()
    assert (task.source != task.target).all()
    assert set(task.source) <= set(pairs[:, 0])
    np.testing.assert_array_equal(task.target, pack.twins.row)
    np.testing.assert_array_equal(task.label, pack.twins.label)
    lonely = twin_task(pack, pairs[pairs[:, 0] < 8])
    assert lonely.source[4:].tolist() == [-1] * 4


def pixels_of(pack, row, limb):
    seen = front_parts(measure(torch.from_numpy(pack.pose_2d[[row]]), SIZE), torch.from_numpy(pack.label[[row]]))
    return int((seen == FIRST_LIMB_PART + limb).sum())


def arm_pixels(pack, row):
    """How many pixels of left upper arm and forearm a row shows."""
    seen = front_parts(measure(torch.from_numpy(pack.pose_2d[[row]]), SIZE), torch.from_numpy(pack.label[[row]]))
    return [int((seen == FIRST_LIMB_PART + limb).sum()) for limb in (UPPER_ARM, FOREARM)]


def test_a_twin_is_painted_from_the_source_that_shows_most_of_the_mirrored_limb(pack, pairs):
    """Of ann's pictures only that of row 3 shows her forearm before the torso."""
    label = pack.label.copy()
    label[:8, FOREARM] = -1
    label[3, FOREARM] = 1
    changed = replace(pack, label=label)
    shown = {row: min(arm_pixels(changed, row)) for row in sorted(set(pairs[:, 0]))}
    assert shown[3] > 2 * max(shown[row] for row in shown if row < 8 and row != 3)
    task = twin_task(changed, pairs)
    assert task.source[:4].tolist() == [3] * 4
    for source, row in zip(task.source, pack.twins.row, strict=True):
        others = [other for other in shown if pack.identity[other] == pack.identity[row] and other != row]
        assert source == max(others, key=shown.__getitem__)  # the first of those that show as much


def test_the_limb_of_the_chain_that_is_shown_less_decides(pack):
    """Row 1 shows a long upper arm and no forearm at all, row 3 something of both."""
    pose_2d = pack.pose_2d.copy()
    pose_2d[1, [H36M_17.index("left_elbow"), H36M_17.index("left_wrist")]] = [(30, 44), (np.nan, np.nan)]
    changed = replace(pack, pose_2d=pose_2d)
    assert arm_pixels(changed, 1)[1] == 0
    assert sum(arm_pixels(changed, 1)) > sum(arm_pixels(changed, 3))
    assert twin_task(changed, np.array([(1, 2), (3, 2)])).source[:4].tolist() == [3] * 4


def test_an_image_that_is_true_is_right_and_its_twin_is_wrong(pack, pairs, scored):
    """All but the source paint the truth in the order that they are told; the source is the same image for both orders."""
    twins = twin_task(pack, pairs)
    judged = judge_twins(BatchedGenerator(perfect(), pack, 3, CPU), twins, count_twins(pack, twins))
    right, counted = judged.right, judged.counted
    assert counted.all()
    assert right.shape == (len(IMAGES), len(twins), 2)
    for image in ("by_part", "coarse", "refined", "ceiling"):
        assert (right[IMAGES.index(image)] == 1).all()
    np.testing.assert_array_equal(right[IMAGES.index("source")].sum(1), np.ones(len(twins)))  # right for one order, wrong for the other
    assert {image: order["order_accuracy"] for image, order in scored[0]["depth"]["order_by_image"].items()} == {
        "source": 0.5,
        "by_part": 1,
        "coarse": 1,
        "refined": 1,
        "ceiling": 1,
    }


def test_painting_each_part_in_its_mean_colour_is_exact_for_people_of_flat_parts(scored):
    figures, _ = scored
    assert figures["by_part"]["l1"] < 1e-3
    assert figures["by_part"]["ssim"] > 0.99 > figures["source"]["ssim"]


def test_the_order_of_each_image_has_an_interval(pack, pairs):
    g1, g2 = networks(PARTS)
    figures = evaluate(Generator(g1, g2, see(PARTS), SIZE), pack, pairs, CONFIG, CPU)[0]["depth"]
    assert list(figures["order_by_image"]) == list(IMAGES)
    for order in figures["order_by_image"].values():
        assert list(order) == ["order_accuracy", "order_low", "order_high"]
        assert order["order_low"] <= order["order_accuracy"] <= order["order_high"]
    assert figures["order_by_image"]["refined"] == {name: figures[name] for name in ("order_accuracy", "order_low", "order_high")}
    assert figures["order_by_image"]["source"] == {"order_accuracy": 0.5, "order_low": 0.5, "order_high": 0.5}


def test_a_network_that_is_given_the_placed_colours_of_flat_people_needs_nothing_else(pack, pairs):
    """G1 that hands on what is placed on top paints these people in the order of the labels."""
    pose = PARTS.model_copy(update={"appearance": True})
    figures, _ = evaluate(Generator(HandsOn(), AddsNothing(), see(pose), SIZE), pack, pairs, CONFIG, CPU)
    assert figures["depth"]["order_accuracy"] == 1
    assert figures["refined"]["mask_l1"] < figures["source"]["mask_l1"]
    blind = pose.model_copy(update={"depth": False})
    assert evaluate(Generator(HandsOn(), AddsNothing(), see(blind), SIZE), pack, pairs, CONFIG, CPU)[0]["depth"]["order_accuracy"] == 0.5


def test_a_twin_without_a_source_is_left_out(pack, pairs):
    depth = evaluate(perfect(), pack, pairs[:6], CONFIG, CPU)[0]["depth"]
    assert (depth["order_cases"], depth["order_left_out"]) == (4, 0.5)


def test_scores_do_not_depend_on_the_batch(pack, pairs, scored):
    alone, _ = evaluate(perfect(), pack, pairs, CONFIG.model_copy(update={"batch_size": 1}), CPU)
    assert alone == scored[0]


class BrightAndDark(nn.Module):
    """Two classes and three features: the stand-in for Inception."""

    def forward(self, images: Tensor, return_features: bool = False, no_output_bias: bool = False) -> Tensor:
        colours = images.float().mean(dim=[2, 3]) / 255
        if return_features:
            return colours
        bright = colours.mean(dim=1, keepdim=True) * (1.0 if no_output_bias else 0.5)
        return torch.cat([bright, 1 - bright], dim=1)


def test_ssim_with_margins_is_scored_where_it_is_asked_for(pack, pairs):
    figures, _ = evaluate(perfect(), pack, pairs, CONFIG.model_copy(update={"patn": True}), CPU)
    without, _ = evaluate(perfect(), pack, pairs, CONFIG, CPU)
    assert figures["refined"]["ssim_patn"] == 1
    assert figures["source"]["ssim_patn"] > figures["source"]["ssim"]
    assert "ssim_patn" not in without["refined"]


def test_the_pose_of_painted_people_is_scored_against_the_target(pack, pairs, tmp_path):
    """By a pose estimator that knows these very images: what is painted as they are has their score."""
    torch.manual_seed(0)
    network = PoseNet(17, "mobilenet", 0.1, 0, 4, list(SIZE))
    optimiser = torch.optim.Adam(network.parameters(), 0.01)
    targets = draw_targets(torch.from_numpy(pack.pose_2d)[:, None], bones(17), SIZE, 4, 3)
    for _ in range(80):
        optimiser.zero_grad()
        sum(pose_loss(network(to_image(pack.image)), targets)).backward()
        optimiser.step()
    save_network(tmp_path / "pose.safetensors", network)
    figures, cases = evaluate(perfect(), pack, pairs, CONFIG.model_copy(update={"pose_net": str(tmp_path / "pose.safetensors")}), CPU)
    assert figures["pose_net"]["file"] == "pose.safetensors"
    for number, image in enumerate(IMAGES):  # the file of cases has them of each pair
        of_each = cases.pairs.scores[number, PAIR_SCORES.index("pck")]
        np.testing.assert_allclose(np.nanmean(of_each), figures[image]["pck"], rtol=1e-5)
    assert np.isnan(cases.pairs.scores[:, PAIR_SCORES.index("lpips")]).all()
    assert figures["pose_net"]["truth_pck"] > 0.9
    for name in ("pck", "pck_left", "pck_right"):
        assert figures["refined"][name] == figures["pose_net"][f"truth_{name}"]
        assert all(0 < figures[image][name] <= 1 for image in ("source", "by_part", "coarse"))
        assert figures["source"][f"{name}_low"] <= figures["source"][name] <= figures["source"][f"{name}_high"]
    score = PoseScore(BatchedGenerator(perfect(), pack, 5, CPU), tmp_path / "pose.safetensors")
    left = np.array([[name.startswith("left_") for name in H36M_17.names]], float)
    assert {name: values.tolist() for name, values in score._shares(left).items()} == {
        "pck": [pytest.approx(6 / 17)],
        "pck_left": [1],
        "pck_right": [0],
    }
    assert np.isnan(score._shares(np.full((1, 17), np.nan))["pck_left"]).all()
    larger = to_uint8(F.interpolate(to_image(pack.image), scale_factor=2, mode="bilinear"))
    distance = np.linalg.norm(score._locate(larger) - (2 * pack.pose_2d + 0.5), axis=-1)
    assert np.median(distance) < 4


def test_a_pose_estimator_of_other_joints_is_refused(pack, pairs, tmp_path):
    save_network(tmp_path / "coco.safetensors", PoseNet(18, "mobilenet", 0.1, 0, 4, list(SIZE)))
    with pytest.raises(UserError, match="expected a pose estimator of 17 joints, as the packs have, found one of 18"):
        evaluate(perfect(), pack, pairs, CONFIG.model_copy(update={"pose_net": str(tmp_path / "coco.safetensors")}), CPU)


@pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning")
def test_inception_scores_name_the_file(pack, pairs, tmp_path):
    torch.jit.script(BrightAndDark()).save(str(tmp_path / "bright.pt"))
    path = (tmp_path / "bright.pt").rename(tmp_path / f"bright-{file_hash(tmp_path / 'bright.pt')}.pt")
    config = CONFIG.model_copy(update={"inception": str(path)})
    figures, _ = evaluate(perfect(), pack, pairs, config, CPU)
    said = figures["inception"]
    assert (said["file"], said["sha256"], said["test_images"]) == (path.name, file_hash(path), len(pairs))
    assert said["variant"].startswith("clean-FID and clean-KID: images stretched to 299x299 px, bicubic")
    assert figures["refined"]["clean_fid"] == pytest.approx(0, abs=1e-6)
    assert figures["refined"]["inception_score"] == said["truth_score"]
    assert figures["source"]["clean_fid"] > 1e-6
    assert figures["source"]["clean_kid"] > figures["refined"]["clean_kid"]
    assert not [name for block in (said, figures["refined"]) for name in block if "train" in name]


@pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning")
def test_images_that_were_trained_on_are_another_reference(pack, pairs, tmp_path):
    torch.jit.script(BrightAndDark()).save(str(tmp_path / "bright.pt"))
    path = (tmp_path / "bright.pt").rename(tmp_path / f"bright-{file_hash(tmp_path / 'bright.pt')}.pt")
    darker = replace(pack, image=pack.image // 2)
    figures, _ = evaluate(perfect(), pack, pairs, CONFIG.model_copy(update={"inception": str(path)}), CPU, lambda: darker)
    assert figures["inception"]["training_images"] == len(pack)
    assert figures["refined"]["clean_fid_train"] == pytest.approx(figures["inception"]["truth_clean_fid_train"], rel=1e-4)
    assert figures["refined"]["clean_fid_train"] > 100 * figures["source"]["clean_fid"]
    assert figures["refined"]["clean_kid_train"] == pytest.approx(figures["inception"]["truth_clean_kid_train"], rel=1e-4)


def test_perceptual_distances_name_their_variant_and_files(pack, pairs, tmp_path):
    files = saved(alexnet(), tmp_path, "alexnet-owt-"), saved(lpips_layers(), tmp_path, "alex")
    config = CONFIG.model_copy(update={"lpips": tuple(map(str, files))})
    figures, _ = evaluate(perfect(), pack, pairs, config, CPU)
    assert figures["lpips"] == {"variant": "LPIPS 0.1 by AlexNet", "files": {path.name: file_hash(path) for path in files}}
    assert figures["refined"]["lpips"] == pytest.approx(0, abs=1e-6)
    assert figures["source"]["lpips_low"] < figures["source"]["lpips"] < figures["source"]["lpips_high"]
    assert "dists" not in figures["refined"]
    with pytest.raises(UserError, match=r"evaluate\.lpips: expected images of at least 31 x 31 px, found \[64, 24\]"):
        evaluate(perfect(), replace(pack, image=pack.image[:, :, :24]), pairs, config, CPU)


def test_nothing_to_evaluate_is_one_line(pack):
    with pytest.raises(UserError, match="no test pairs to evaluate"):
        evaluate(perfect(), pack, np.zeros((0, 2), dtype=np.int64), CONFIG, CPU)


def test_images_too_small_for_ssim_are_refused(pack, pairs):
    with pytest.raises(UserError, match=r"data\.image_size = \[64, 8\]: the scores need images of at least 11 x 11 px"):
        evaluate(perfect(), replace(pack, image=pack.image[:, :, :8]), pairs, CONFIG, CPU)


def test_weights_for_another_size_are_refused(pack, pairs):
    with pytest.raises(UserError, match=r"the weights are for images of \[64, 32\]"):
        evaluate(perfect(), replace(pack, image=pack.image[:, :48]), pairs, CONFIG, CPU)


@pytest.mark.skipif(torch.accelerator.is_available(), reason="for machines without an accelerator")
def test_an_accelerator_that_is_not_there():
    assert choose_device("cpu") == choose_device("auto") == CPU
    for name in ("gpu", "cuda", "mps"):
        with pytest.raises(UserError, match=rf"parallel\.accelerator = {name}: not on this machine, found none"):
            choose_device(name)


def write_pack(path, pack):
    path.parent.mkdir()
    with h5py.File(path, "w") as file:
        file.attrs["subject"] = "S9"
        for name in ("image", "pose_2d", "label", "pose_3d", "frame", "label_truth", "label_clear"):
            file[name] = getattr(pack, name)
        for name in ("sequence", "identity", "action", "camera"):
            file[name] = getattr(pack, name).astype(object)
        for name, values in vars(pack.twins).items():
            file[f"twins/{name}"] = values


@pytest.fixture
def folder(tmp_path, pack, pairs):
    """Everything that stage evaluate reads."""
    write_pack(tmp_path / "packed" / "S9.h5", pack)
    (tmp_path / "pairs").mkdir()
    with (tmp_path / "pairs" / "test.csv").open("w", encoding="utf-8", newline="") as file:
        rows = [("S9", pack.identity[source], source, target) for source, target in pairs]
        csv.writer(file, lineterminator="\n").writerows([("subject", "identity", "source", "target"), *rows])
    pose = MapConfig(depth=True, maps=("limbs",), appearance=True, lift=True, source=True, background="none", head=False, heatmap_radius=4)
    for name, network in zip(("g1", "g2"), networks(pose), strict=True):
        save_network(tmp_path / f"{name}.safetensors", network, pose)
    (tmp_path / "params.yaml").write_text(
        "data: {kind: recordings, root: x, subjects: [S1, S9], test_subjects: [S9], cameras: all, fps: 10, "
        "frame_height: 9, image_size: [64, 32], margin: 0.1, skip_bad: false, exclude: []}\n"
        "evaluate: {batch_size: 5, threads: 1, samples: 4, inception: null, lpips: null, dists: null, patn: false, pose_net: null}\n"
        "parallel: {workers: 1, scheduler: null, accelerator: cpu, devices: 1, nodes: 1, strategy: auto}\n",
        encoding="utf-8",
    )
    return tmp_path


def run(folder, *names):
    arguments = [str(folder / name) for name in ("packed", "pairs", "g1.safetensors", "g2.safetensors", *names)]
    return CliRunner().invoke(main, [*arguments, "--params", str(folder / "params.yaml")])


def test_the_stage_writes_the_same_bytes_each_time(folder):
    threads = torch.get_num_threads()
    try:
        for number in (1, 2):
            result = run(folder, f"test{number}.json", f"cases{number}.npz")
            assert result.exit_code == 0, result.output
    finally:
        torch.set_num_threads(threads)
    for first, second in (("test1.json", "test2.json"), ("cases1.npz", "cases2.npz")):
        assert (folder / first).read_bytes() == (folder / second).read_bytes()
    figures = json.loads((folder / "test1.json").read_text(encoding="utf-8"))
    assert figures["pairs"] == 12
    assert figures["depth"]["order_cases"] == 8
    assert figures["depth"]["lift_error"] > 0
    assert read_cases(folder / "cases1.npz").samples.source.shape == (4, *SIZE, 3)


def test_weights_that_are_missing_are_one_line(folder):
    (folder / "g2.safetensors").write_bytes(b"nothing")
    result = run(folder, "test.json", "cases.npz")
    assert result.exit_code == 1
    assert "g2.safetensors: expected weights in the safetensors format" in result.output
    assert not (folder / "test.json").exists()


def test_weights_that_are_not_finite_are_not_scored(folder):
    tensors = load_file(folder / "g1.safetensors")
    with safe_open(folder / "g1.safetensors", framework="pt") as file:
        header = file.metadata()
    name = next(name for name, value in tensors.items() if value.is_floating_point())
    tensors[name].view(-1)[0] = torch.nan
    save_file(tensors, folder / "g1.safetensors", header)
    result = run(folder, "test.json", "cases.npz")
    assert result.exit_code == 1
    assert f"g1.safetensors: expected finite numbers in the tensor {name}, found nan; train it again" in result.output
    assert not (folder / "test.json").exists()


@pytest.mark.parametrize(("name", "value"), [("psnr", np.inf), ("ssim", np.nan), ("mask_l1", -np.inf)])
def test_scores_that_are_not_finite_are_refused(name, value):
    scores = PairScores(IMAGES, USUAL_SCORES, 6)
    scores.values[:] = 0.5
    scores.of("by_part", "mask_l1")[3] = np.nan  # of a pair without a body
    scores.check()
    scores.of("coarse", name)[5] = value
    with pytest.raises(UserError, match=rf"expected finite scores, found {name} = {value} of test pair 5"):
        scores.check()


def test_the_left_forearm_of_these_people_crosses_the_torso():
    """What the tests above rest on."""
    image = {value: draw(STANDING[None], np.eye(8, dtype=np.int8)[[FOREARM]] * value)[0] for value in (-1, 1)}
    assert (np.abs(image[1].astype(int) - image[-1]).sum(-1) > 0).sum() >= 30
    assert H36M_17.names[13] == "left_wrist"


def test_each_pair_is_painted_once_and_each_twin_once_in_either_order(pack, pairs):
    """Scores, margins, examples, demonstrations and steps share the images; only the response to labels asks for others."""
    painted, generator = [], perfect()

    class Counting(Generator):
        def paint(self, source, seen):
            painted.extend(zip(source, seen.maps, strict=True))
            return super().paint(source, seen)

    counting = Counting(generator.g1, generator.g2, generator.conditioning, SIZE)
    evaluate(counting, pack, pairs, CONFIG.model_copy(update={"patn": True}), CPU)
    assert len(painted) == len(pairs) + 2 * len(pack.twins) + 2 * len(pairs)


class PaintsPartsBesideTheSource(PaintsParts):
    """The perfect model that is shown the warped source, too, and does without."""

    def forward(self, appearance: Tensor, maps: Tensor) -> Tensor:
        return super().forward(appearance, maps[:, WARP_CHANNELS:])


def shown_several():
    return Generator(PaintsPartsBesideTheSource(), AddsNothing(), see(PARTS.model_copy(update={"appearance": True})), SIZE)


def test_networks_that_see_one_source_are_not_scored_with_several(pack, pairs):
    assert "sources" not in evaluate(perfect(), pack, np.column_stack([pairs, pairs[:, 0]]), CONFIG, CPU)[0]


def test_with_several_sources_the_same_targets_are_painted_from_two_and_from_all(pack, pairs):
    further = np.array([[(row + 3) % 8 + row // 8 * 8, (row + 5) % 8 + row // 8 * 8] for row in pairs[:, 1]])
    figures, _ = evaluate(shown_several(), pack, np.column_stack([pairs, further]), CONFIG, CPU)
    alone, _ = evaluate(shown_several(), pack, pairs, CONFIG, CPU)
    assert list(figures["sources"]) == ["2", "3"]
    assert {key: value for key, value in figures.items() if key != "sources"} == alone
    for several in figures["sources"].values():
        assert list(several) == ["by_part", "coarse", "refined", "ceiling"]
        assert (several["refined"]["ssim"], several["refined"]["l1"], several["refined"]["order_accuracy"]) == (1, 0, 1)
        assert {"ssim_low", "ssim_high", "order_low", "order_high"} <= set(several["by_part"])


def test_more_sources_never_lower_the_ceiling(pack, pairs):
    noisy = replace(pack, image=np.random.default_rng(3).integers(0, 256, pack.image.shape, dtype=np.uint8))
    further = np.array([[(row + 3) % 8 + row // 8 * 8, (row + 5) % 8 + row // 8 * 8] for row in pairs[:, 1]])
    figures, _ = evaluate(shown_several(), noisy, np.column_stack([pairs, further]), CONFIG, CPU)
    ceilings = [block["ceiling"]["mask_l1"] for block in (figures, *figures["sources"].values())]
    assert ceilings[0] > ceilings[1] > ceilings[2] > 0


def test_of_several_sources_a_twin_has_those_that_show_most_first(pack, pairs):
    one, three = twin_task(pack, pairs), twin_task(pack, pairs, 3)
    assert one.further is None
    assert np.array_equal(three.source, one.source)
    assert three.further.shape == (len(pack.twins.row), 2)
    for source, others, row in zip(three.source, three.further, pack.twins.row, strict=True):
        shown = [min(arm_pixels(pack, one)) for one in (source, *others)]
        assert shown == sorted(shown, reverse=True)
        assert row not in others
        assert len({source, *others}) == 3
    few = twin_task(pack, pairs[pairs[:, 0] < 8][:1], 3)
    assert (few.further[few.source >= 0] == few.source[few.source >= 0][:, None]).all()
