"""What the report shows of a run: twins that demonstrate depth, and the steps from labels to image."""

from dataclasses import replace

import numpy as np
import torch
from by_hand import AddsNothing, HandsOn, PaintsByHand
from standing import RULE
from torch import Tensor

from pipeline.config.evaluate import EvaluateConfig
from pipeline.config.pose import MapConfig
from pipeline.evaluation.evaluate import evaluate
from pipeline.evaluation.examples.cases import (
    read_cases,
    write_cases,
)
from pipeline.evaluation.examples.demonstrations import KINDS
from pipeline.inference.generator import Generator
from pipeline.networks.lifter import Lifter
from pipeline.packs.pack import Pack, Twins
from pipeline.pose.bodies.body import measure
from pipeline.pose.bodies.conditioning import BodyConditioning
from pipeline.pose.bodies.parts import N_PARTS, front_parts
from pipeline.pose.skeleton import LIMBS
from pipeline.report.html import render_report

RNG = np.random.default_rng(0)
COLOURS = torch.from_numpy(RNG.integers(0, 256, (N_PARTS + 1, 3)))  # background and parts of the people of `crossing`
# Condition from behind: the right forearm lies across the torso.
CROSSING = np.array(
    [
        [16, 19, 19, 19, 13, 13, 13, 16, 16, 16, 16, 11, 7, 6, 21, 25, 15],
        [34, 34, 45, 57, 34, 45, 57, 26, 17, 12, 6, 18, 26, 33, 18, 25, 27],
    ],
    dtype=np.float32,
).T


def section(text, name):
    return text[text.index(f'<section id="{name}">') :].split("</section>")[0]


class PaintsParts(PaintsByHand):
    """Gives each pixel the colour of the part that the part map shows there: the perfect model of `crossing`."""

    def forward(self, _: Tensor, maps: Tensor) -> Tensor:
        return torch.einsum("bphw,pc->bchw", torch.cat((1 - maps.sum(1, keepdim=True), maps), 1), COLOURS / 127.5 - 1)


def crossing(recorded):
    """A pack of as many people as values in `recorded`, two frames each; the first has a twin, whose right forearm has the other label."""
    count, rows = 2 * len(recorded), np.arange(0, 2 * len(recorded), 2)
    label, twin = np.zeros((count, len(LIMBS)), dtype=np.int8), np.zeros((len(recorded), len(LIMBS)), dtype=np.int8)
    label[:, 7], twin[:, 7] = np.repeat(recorded, 2), -np.asarray(recorded)
    pose_2d = CROSSING + RNG.normal(0, 0.5, (count, 17, 2)).astype(np.float32)

    def draw(pose_2d, label):
        return COLOURS[front_parts(measure(torch.from_numpy(pose_2d), (64, 32)), torch.from_numpy(label)).long()].to(torch.uint8).numpy()

    place = np.zeros((count, 17, 3), dtype=np.float32)
    names = {name: np.array(["x"] * count) for name in ("subject", "sequence", "action", "camera")}
    twins = Twins(draw(pose_2d[rows], twin), rows, np.full(len(rows), 3, dtype=np.int8), twin, place[rows])
    return Pack(
        image=draw(pose_2d, label),
        pose_2d=pose_2d,
        label=label,
        pose_3d=place,
        frame=np.arange(count, dtype=np.int32),
        identity=np.repeat([f"person {number}" for number in range(len(recorded))], 2),
        offset={"x": 0},
        label_truth=None,
        label_clear=None,
        twins=twins,
        **names,
    )


def evaluated(pack, depth=True, lifter=None):
    """Figures and cases of the perfect model; of one that does not see depth where `depth` is False; with a lifter, of one that hands on."""
    lift = lifter is not None
    conditioning = BodyConditioning(
        MapConfig(depth=depth, maps=("parts",), appearance=lift, lift=lift, source=False, background="none", head=False, heatmap_radius=4), lifter
    )
    rows = np.arange(0, len(pack), 2)
    pairs = np.stack([rows + 1, rows], axis=1)
    config = EvaluateConfig(batch_size=4, threads=1, samples=2, inception=None, lpips=None, dists=None, patn=False, pose_net=None)
    return evaluate(Generator(HandsOn() if lift else PaintsParts(), AddsNothing(), conditioning, (64, 32)), pack, pairs, config, torch.device("cpu"))


def test_demonstrations_of_a_run_show_the_front_first_and_what_the_labels_say(tmp_path):
    pack = crossing((1, -1, 1))
    figures, cases = evaluated(pack)
    shown = cases.demonstrations
    assert shown.kind.tolist() == [KINDS[2]] * 2  # two of three people, and no leg was mirrored
    assert (shown.label[:, 7].tolist(), shown.twin_label[:, 7].tolist()) == ([1, 1], [-1, -1])
    for i, caption in enumerate(shown.caption):
        person = int(caption.split("/")[-1]) // 2
        recorded, twin = pack.image[2 * person], pack.twins.image[person]
        front, behind = (recorded, twin) if pack.label[2 * person, 7] == 1 else (twin, recorded)
        np.testing.assert_array_equal(shown.truth[i], front)
        np.testing.assert_array_equal(shown.twin[i], behind)
    np.testing.assert_array_equal(shown.painted, shown.truth)
    np.testing.assert_array_equal(shown.painted_twin, shown.twin)
    assert shown.right.tolist() == [[1, 1], [1, 1]]
    write_cases(tmp_path / "cases.npz", cases)
    text = render_report(read_cases(tmp_path / "cases.npz"), figures, {}, {}, [])
    assert section(text, "demonstrations").count("right order") == 4


def test_the_steps_of_a_run_show_what_the_networks_see_of_a_twin_and_its_original():
    pack = crossing((1, -1, 1))
    torch.manual_seed(0)
    steps = evaluated(pack, lifter=Lifter(16, 1, RULE))[1].steps
    assert steps.source.shape == (2, 64, 32, 3)
    assert steps.caption[1] == f"{steps.caption[0]}, twin"
    row = int(steps.caption[0].split("/")[-1])
    np.testing.assert_array_equal(steps.truth, [pack.image[row], pack.twins.image[row // 2]])
    np.testing.assert_array_equal(steps.label, [pack.label[row], pack.twins.label[row // 2]])
    np.testing.assert_array_equal(steps.pose[0], steps.pose[1])
    nowhere = (steps.depth_layer == 0).all(-1)
    assert 0.2 < nowhere.mean() < 0.95
    assert (steps.warped_front[nowhere] == 255).all()
    assert (steps.warped_second[nowhere] == 255).all()
    known = (steps.warped_front != 255).any(-1)
    assert known.mean() > 0.05
    np.testing.assert_array_equal(steps.refined[known], steps.warped_front[known])  # this G1 paints what is placed
    assert not len(evaluated(pack)[1].steps.source)


def test_demonstrations_do_not_depend_on_what_the_model_painted():
    pack = crossing((1, -1, 1))
    seeing, blind = (evaluated(pack, depth)[1].demonstrations for depth in (True, False))
    assert seeing.caption.tolist() == blind.caption.tolist()
    np.testing.assert_array_equal(blind.painted, blind.painted_twin)
    assert blind.right.sum(1).tolist() == [1, 1]


def test_an_arm_that_does_not_cross_the_torso_demonstrates_nothing():
    pack = crossing((1, 1))
    beside = pack.pose_2d.copy()
    beside[:, 16] = (29, 33)
    aside = replace(pack, pose_2d=beside)
    assert len(evaluated(pack)[1].demonstrations.kind) == 2
    assert len(evaluated(aside)[1].demonstrations.kind) == 0
