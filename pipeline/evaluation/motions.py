"""How steady a model paints motions: held-out people of the built-in data, at their full rate, frame by frame and with `motion.steady`.

The renderer knows the truth of every frame, and where every point of it goes. The person of the first frame is painted in the motion that follows,
before the same background.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import torch

from pipeline.config.pose import PoseConfig
from pipeline.datasets.synthetic.body import build_body
from pipeline.datasets.synthetic.dataset import TRUTH_STEP, invent_take
from pipeline.datasets.synthetic.flow import follow
from pipeline.datasets.synthetic.names import Sequence as Take
from pipeline.datasets.synthetic.names import sequences
from pipeline.datasets.synthetic.person import Person
from pipeline.datasets.synthetic.renderer import Renderer, screen_bounds
from pipeline.datasets.synthetic.rig import Pose
from pipeline.datasets.synthetic.room import CAMERA_IDS, EmptyRoom, look, room_cameras
from pipeline.datasets.synthetic.truth import label_truth
from pipeline.datasets.synthetic.twins import labels_differ, mirror_chain
from pipeline.evaluation.motion_scores import along_flow, flicker, joint_jitter, label_flips, pixels_of_box, warping_error
from pipeline.evaluation.scores.depth import clear_pixels, judge_order, order_accuracy
from pipeline.evaluation.scores.image.ssim import ssim
from pipeline.evaluation.scores.score import ImagePairs
from pipeline.inference.generator import Generator
from pipeline.inference.transfer import Portrait
from pipeline.motion.animate import BATCH, Animation
from pipeline.motion.guess import guess_labels
from pipeline.motion.motion import Motion
from pipeline.motion.place import motion_boxes
from pipeline.motion.steady import steady_labels
from pipeline.networks.lifter import Lifter
from pipeline.networks.openpose import PoseNet
from pipeline.packs.clear import MIN_PIXELS
from pipeline.pose.background import place_of, same_place
from pipeline.pose.bodies.pose_space import LabelRule, labels_of_shares, limb_shares
from pipeline.pose.crop import crop_image, to_crop
from pipeline.pose.skeleton import CHAINS
from pipeline.pose_estimation.estimate import locate_joints
from pipeline.utils.numbers import rounded
from pipeline.utils.progress import track
from pipeline.utils.tensors import to_image

MODES = {"frame_by_frame": False, "steady": True}  # the blocks of painted films, and whether they are steady
TWIN_STEP = 5  # order is judged on every fifth frame
Figures = dict[str, dict[str, float]]  # block -> score -> value of one film
Flow = tuple[np.ndarray, np.ndarray]  # where the pixels of each frame are in the next one, (T - 1, H, W, 2) px; which are seen there, (T - 1, H, W)


class Judged(NamedTuple):
    """Twins of one person: right (M, 2) as `depth.judge_order` gives it, chain (M,), identity (M,)."""

    right: np.ndarray
    chain: np.ndarray
    identity: np.ndarray


@dataclass(frozen=True)
class FilmConfig:
    """What is filmed: the first `takes` of each subject of the built-in data, for so many seconds; video_size : px; margin : of the crops."""

    seed: int
    subjects: Sequence[str]
    takes: int
    seconds: float
    fps: int
    video_size: int
    margin: float


@dataclass(frozen=True)
class Shot:
    """One person who moves before one camera, and how the model sees it: images of `size` (height, width)."""

    take: Take
    person: Person
    pose: Pose
    seat: np.ndarray | None
    view: EmptyRoom
    fps: Fraction
    margin: float
    size: tuple[int, int]

    def __len__(self) -> int:
        return len(self.pose.joints)

    @property
    def video_size(self) -> tuple[int, int]:
        """Width and height of the pictures, px."""
        height, width = self.view.picture.shape[:2]
        return width, height

    @cached_property
    def pose_3d(self) -> np.ndarray:
        """(T, 17, 3) float32 mm, camera frame."""
        return self.view.camera.to_camera(self.pose.joints).astype(np.float32)

    @cached_property
    def pose_2d(self) -> np.ndarray:
        """(T, 17, 2) float32 px."""
        return self.view.camera.project(self.pose_3d).astype(np.float32)

    @cached_property
    def boxes(self) -> np.ndarray:
        """The crops, (T, 4) px."""
        return motion_boxes(self.pose_2d, self.fps, self.size, self.margin, None)


@dataclass(frozen=True)
class Film:
    """What the renderer shows of some frames of a shot: crops (T, H, W, 3) uint8, and labels (T, 8) int8 of the z-buffer."""

    crops: np.ndarray
    label: np.ndarray
    renderer: Renderer
    bounds: np.ndarray


def film_of(shot: Shot, pose: Pose, frames: Sequence[int] | np.ndarray) -> Film:
    """Render some frames of a shot in the given poses, of all of its frames."""
    renderer = Renderer(build_body(shot.person, pose, shot.seat), shot.person.materials)
    bounds = screen_bounds(renderer.solids, shot.view.camera)
    crops = [crop_image(renderer.picture(shot.view, bounds, t), shot.boxes[t], shot.video_size, shot.size) for t in frames]
    label = [label_truth(renderer.part_depths(shot.view, bounds, t, TRUTH_STEP))[0] for t in frames]
    return Film(np.stack(crops), np.stack(label), renderer, bounds)


def score_motions(generator: Generator, lifter: Lifter, rule: PoseConfig, config: FilmConfig, pose_net: PoseNet | None) -> dict[str, Any]:
    """Blocks of scores: `frame_by_frame`, `steady` and `truth`, with labels from 3D; in `lifter` the first two with the labels that it guesses."""
    shots = list(invent_shots(config, generator.image_size))
    from_3d: list[Figures] = []
    from_2d: list[Figures] = []
    judged: dict[str, list[Judged]] = {mode: [] for mode in MODES}
    for shot in track(shots, "motions", len(shots)):
        film = film_of(shot, shot.pose, range(len(shot)))
        flow = _flow(shot, film)
        told = {mode: _told(shot, shot.pose_3d, rule, steady) for mode, steady in MODES.items()}
        guessed = {mode: guess_labels(shot.pose_2d, lifter, LabelRule.of(rule.rule), shot.fps if steady else None) for mode, steady in MODES.items()}
        painted = {mode: paint(generator, shot, film, label, MODES[mode]) for mode, label in told.items()}
        from_3d.append(_film_figures(shot, film, flow, painted, told, pose_net))
        painted_2d = {mode: paint(generator, shot, film, label, MODES[mode]) for mode, label in guessed.items()}
        from_2d.append(_film_figures(shot, film, flow, painted_2d, guessed, pose_net))
        for mode, answers in _judge(generator, shot, film, painted, rule).items():
            judged[mode].append(answers)
    blocks = _summary(from_3d)
    for mode, answers_of_all in judged.items():
        blocks[mode] |= _order(answers_of_all)
    return blocks | {"lifter": {mode: block for mode, block in _summary(from_2d).items() if mode in MODES}, "films": len(shots)}


def invent_shots(config: FilmConfig, size: tuple[int, int]) -> Iterator[Shot]:
    """The takes of the built-in data, each before another camera than the one before it."""
    for subject in config.subjects:
        for number, take in enumerate(sequences(subject, config.takes)):
            who = invent_take(config.seed, take, round(config.seconds * config.fps), config.fps)
            camera = room_cameras(config.video_size, config.seed, take.subject_number)[CAMERA_IDS[number % len(CAMERA_IDS)]]
            yield Shot(take, *who, look(camera, config.video_size), Fraction(config.fps), config.margin, size)


def paint(generator: Generator, shot: Shot, film: Film, label: np.ndarray, steady: bool) -> np.ndarray:
    """The person of the film's first frame in all frames of a shot, labelled (T, 8): (T, H, W, 3) uint8."""
    count = min(BATCH, len(shot))
    first = torch.from_numpy(to_crop(shot.pose_2d[:1], shot.boxes[:1], shot.size).astype(np.float32)).repeat(count, 1, 1)
    image = to_image(film.crops[:1]).repeat(count, 1, 1, 1)
    measured = generator.conditioning.measure(first, shot.size)
    portrait = Portrait(generator, image, measured, torch.from_numpy(film.label[:1]).repeat(count, 1), same_place(count))
    place = torch.from_numpy(place_of(shot.boxes[:1].repeat(len(shot), axis=0), shot.boxes, shot.size[1], np.zeros(len(shot), bool)))
    return np.stack(list(Animation(portrait, Motion(shot.pose_2d, label, shot.fps), shot.boxes, place, steady).frames()))


def _told(shot: Shot, pose_3d: np.ndarray, rule: PoseConfig, steady: bool) -> np.ndarray:
    """The labels (T, 8) of a motion by the rule."""
    shares = limb_shares(pose_3d, rule.torso_thickness, rule.limb_radius)
    return steady_labels(shares, shot.fps) if steady else labels_of_shares(shares)


def _film_figures(
    shot: Shot, film: Film, flow: Flow, painted: Mapping[str, np.ndarray], label: Mapping[str, np.ndarray], pose_net: PoseNet | None
) -> Figures:
    """The figures of what is painted, (T, H, W, 3) uint8 each, with labels (T, 8), and those of the truth."""
    place, seen = flow
    figures: Figures = {}
    for name, images in {**painted, "truth": film.crops}.items():
        change = along_flow(images, place)
        found = {"flicker": flicker(change, seen), "warping_error": warping_error(change, seen)}
        found["label_flips"] = label_flips(film.label if name == "truth" else label[name], float(shot.fps))
        if name in painted:
            found["ssim"] = _ssim(images[1:], film.crops[1:])
        if pose_net is not None:
            found["joint_jitter"] = joint_jitter(locate_joints(pose_net, images))
        figures[name] = found
    return figures


def _ssim(images: np.ndarray, truth: np.ndarray) -> float:
    prediction, wanted = (torch.from_numpy(one).permute(0, 3, 1, 2) for one in (images, truth))
    nowhere = torch.zeros(1, 1, 1, 1, dtype=torch.bool)
    return float(ssim(ImagePairs(prediction, wanted, nowhere, nowhere)).mean())


def _flow(shot: Shot, film: Film) -> Flow:
    """The true flow, in px of the crops."""
    buffers = [film.renderer.buffers(shot.view, film.bounds, t) for t in range(len(shot))]
    places, seen = [], []
    for t, box in enumerate(shot.boxes[1:]):
        moved, there = follow(film.renderer, shot.view, t, (buffers[t], buffers[t + 1]), pixels_of_box(shot.boxes[t], shot.size))
        place = to_crop(moved.reshape(1, -1, 2), box[None], shot.size).reshape(moved.shape)
        places.append(place)
        seen.append(there & ((place >= 0) & (place <= np.array(shot.size[::-1]) - 1)).all(axis=-1))
    return np.stack(places), np.stack(seen)


def _judge(generator: Generator, shot: Shot, film: Film, painted: Mapping[str, np.ndarray], rule: PoseConfig) -> dict[str, Judged]:
    """Is the order of limbs painted that was told? Each chain is mirrored in all frames, and some of them are judged."""
    frames = np.arange(TWIN_STEP, len(shot), TWIN_STEP)
    found: dict[str, list[Judged]] = {mode: [Judged(np.zeros((0, 2)), np.zeros(0, int), np.zeros(0, str))] for mode in MODES}
    for chain in range(len(CHAINS)):
        pose = mirror_chain(shot.pose, chain, shot.view.camera)
        truth = film_of(shot, pose, frames)
        counted = labels_differ(film.label[frames], truth.label, chain)
        counted &= clear_pixels(film.crops[frames], truth.crops).sum((-2, -1)) >= MIN_PIXELS
        if not counted.any():
            continue
        chosen = frames[counted]
        truths = np.stack([film.crops[chosen], truth.crops[counted]], axis=1)
        for mode, steady in MODES.items():
            twin = paint(generator, shot, film, _told(shot, shot.view.camera.to_camera(pose.joints), rule, steady), steady)
            right = judge_order(np.stack([painted[mode][chosen], twin[chosen]], axis=1), truths)
            found[mode].append(Judged(right, np.full(len(chosen), chain), np.full(len(chosen), shot.take.identity)))
    return {mode: _joined(answers) for mode, answers in found.items()}


def _joined(judged: Sequence[Judged]) -> Judged:
    return Judged(*(np.concatenate(values) for values in zip(*judged, strict=True)))


def _order(judged: Sequence[Judged]) -> dict[str, Any]:
    right, chain, identity = _joined(judged)
    order = order_accuracy(right, chain, np.ones(len(right), bool), identity)
    return {name: order[name] for name in ("order_accuracy", "order_low", "order_high", "order_cases")}


def _summary(figures: Sequence[Figures]) -> dict[str, Any]:
    """Block -> score -> mean over the films; `excess_flicker` is by how much of the truth's the flicker is larger."""
    blocks = {name: {score: float(np.mean([one[name][score] for one in figures])) for score in scores} for name, scores in figures[0].items()}
    for block in blocks.values():
        block["excess_flicker"] = block["flicker"] / blocks["truth"]["flicker"] - 1
    return {name: {score: rounded(value) for score, value in block.items()} for name, block in blocks.items()}
