"""The built-in data: invented people in an invented room, written in the Human3.6M layout with their truth beside them."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from functools import lru_cache, partial
from pathlib import Path

import cv2
import h5py
import numpy as np

from pipeline.config.parallel import ParallelConfig
from pipeline.config.synthetic import SyntheticConfig
from pipeline.datasets.human36m.encode import write_video
from pipeline.datasets.human36m.frames import kept_frames
from pipeline.datasets.human36m.metadata import ACTIONS, FILE_NAME, Metadata, write_metadata
from pipeline.datasets.human36m.writer import to_32_joints, truth_path, video_path, write_poses
from pipeline.datasets.synthetic.body import build_body
from pipeline.datasets.synthetic.motion import ACTIONS as MOTIONS
from pipeline.datasets.synthetic.motion import invent_motion
from pipeline.datasets.synthetic.names import Sequence, sequences
from pipeline.datasets.synthetic.person import Person, invent_person
from pipeline.datasets.synthetic.renderer import Renderer, screen_bounds
from pipeline.datasets.synthetic.rig import Pose
from pipeline.datasets.synthetic.room import CAMERA_IDS, EmptyRoom, look, room_cameras
from pipeline.datasets.synthetic.truth import label_truth
from pipeline.datasets.synthetic.twins import labels_differ, mirror_chain, pictures_differ
from pipeline.parallel import run_parallel
from pipeline.pose.skeleton import CHAIN_NAMES, CHAINS, H36M_17, LIMB_NAMES
from pipeline.utils.hdf5 import write_hdf5
from pipeline.utils.images import encode
from pipeline.utils.progress import working

EXTRA_FRAMES = (1, 3, 2, 1)  # video frames beyond the last pose, per camera: in Human3.6M the cameras stop at different times, too
TRUTH_STEP = 4  # label truth is counted on every fourth ray along each side, half of the picture's resolution


@dataclass
class ViewTruth:
    """What is known about a view: labels (T, 8) int8, clear (T, 8) bool, and its twins, one row each."""

    label: np.ndarray
    clear: np.ndarray
    sought: int = 0  # frames times chains
    same_label: int = 0  # left out: the mirrored limb has the same label
    same_picture: int = 0  # left out: too few pixels differ
    frame: list[int] = field(default_factory=list)
    chain: list[int] = field(default_factory=list)
    pose_3d: list[np.ndarray] = field(default_factory=list)
    image: list[np.ndarray] = field(default_factory=list)


Truth = dict[str, ViewTruth]  # one per camera


def write_dataset(root: Path, config: SyntheticConfig, parallel: ParallelConfig) -> None:
    """Write the whole data set into the new folder `root`."""
    takes = [take for subject in config.subjects for take in sequences(subject, config.sequences)]
    with working("compiling the renderer"):
        _warm_up()
    truths = run_parallel(partial(write_sequence, root, config), takes, parallel, "rendering")
    for subject in config.subjects:
        known = [(take, truth) for take, truth in zip(takes, truths, strict=True) if take.subject == subject]
        _write_truth(truth_path(root, subject), known)
    prefixes = {(take.subject, take.action_id, take.subaction): take.prefix for take in takes}
    cameras = {
        (take.subject, number): camera
        for take in takes
        for number, camera in room_cameras(config.video_size, config.seed, take.subject_number).items()
    }
    write_metadata(root / FILE_NAME, Metadata(ACTIONS, prefixes, cameras, CAMERA_IDS))


def write_sequence(root: Path, config: SyntheticConfig, take: Sequence) -> Truth:
    """Write poses and videos of one take; return what is known about it. The person and the motion depend on seed and take alone."""
    person, pose, seat = invent_take(config.seed, take, config.frames + max(EXTRA_FRAMES), config.fps)
    frames = config.frames
    views = _views(config.seed, take.subject_number, config.video_size)
    cameras = {number: view.camera for number, view in views.items()}
    write_poses(root, take.subject, take.prefix, to_32_joints(pose.joints[:frames]), cameras)
    renderer = Renderer(build_body(person, pose, seat), person.materials)
    sought = kept_frames(config.fps, config.twin_fps, frames) if take.subject in config.twin_subjects else range(0)
    truth = {}
    for (number, view), extra in zip(views.items(), EXTRA_FRAMES, strict=True):
        bounds = screen_bounds(renderer.solids, view.camera)
        path = video_path(root, take.subject, take.prefix, number)
        originals: dict[int, np.ndarray] = {}
        write_video(path, _pictures(renderer, view, bounds, frames + extra, sought, originals), config.fps, config.crf)
        truth[number] = _view_truth(renderer, view, bounds, frames)
        _seek_twins(truth[number], person, pose, seat, view, originals)
    return truth


def invent_take(seed: int, take: Sequence, frames: int, fps: float) -> tuple[Person, Pose, np.ndarray | None]:
    """Who does what: a person, the pose in each of `frames` frames, `fps` a second, and the middle of the seat's top (3,) in mm, if any."""
    who, how = np.random.default_rng((seed, take.subject_number, take.number)).spawn(2)
    person = invent_person(who)
    pose = invent_motion(take.action, person.build, how, np.arange(frames) / fps)
    hips = pose.joints[0, 0]
    seat = np.array((hips[0], hips[1], hips[2] - 100)) if MOTIONS[take.action].on_seat else None
    return person, pose, seat


@lru_cache(maxsize=1)
def _views(seed: int, subject: int, size: int) -> dict[str, EmptyRoom]:
    """The empty room seen by each camera; kept, because a process renders one subject after the other."""
    return {number: look(camera, size) for number, camera in room_cameras(size, seed, subject).items()}


def _pictures(
    renderer: Renderer, view: EmptyRoom, bounds: np.ndarray, frames: int, sought: Collection[int], originals: dict[int, np.ndarray]
) -> Iterator[np.ndarray]:
    """The pictures of a view, one by one; those of the frames `sought` stay in `originals`."""
    for t in range(frames):
        picture = renderer.picture(view, bounds, t)
        if t in sought:
            originals[t] = picture
        yield picture


def _view_truth(renderer: Renderer, view: EmptyRoom, bounds: np.ndarray, frames: int) -> ViewTruth:
    pairs = [label_truth(renderer.part_depths(view, bounds, t, TRUTH_STEP)) for t in range(frames)]
    return ViewTruth(np.stack([label for label, _ in pairs]), np.stack([clear for _, clear in pairs]))


def _seek_twins(truth: ViewTruth, person: Person, pose: Pose, seat: np.ndarray | None, view: EmptyRoom, originals: dict[int, np.ndarray]) -> None:
    """Add the twins of some frames of a view, whose pictures are given: only those whose labels and whose pictures differ from the original's."""
    if not originals:
        return
    chosen = np.array(list(originals))
    for chain in range(len(CHAINS)):
        twin = mirror_chain(pose[chosen], chain, view.camera)
        other = Renderer(build_body(person, twin, seat), person.materials)
        other_bounds = screen_bounds(other.solids, view.camera)
        labels = np.stack([label_truth(other.part_depths(view, other_bounds, i, TRUTH_STEP))[0] for i in range(len(chosen))])
        differ = labels_differ(truth.label[chosen], labels, chain)
        truth.sought += len(chosen)
        truth.same_label += int((~differ).sum())
        for i in np.flatnonzero(differ):
            frame = int(chosen[i])
            picture = other.picture(view, other_bounds, int(i))
            if not pictures_differ(originals[frame], picture):
                truth.same_picture += 1
                continue
            truth.frame.append(frame)
            truth.chain.append(chain)
            truth.pose_3d.append(view.camera.to_camera(twin.joints[i]).astype(np.float32))
            truth.image.append(_to_png(picture))


def _to_png(picture: np.ndarray) -> np.ndarray:
    """The bytes (n,) uint8 of a PNG file of an RGB picture (H, W, 3) uint8."""
    return np.frombuffer(encode(picture, ".png", (cv2.IMWRITE_PNG_COMPRESSION, 6)), np.uint8)


def _write_truth(path: Path, takes: list[tuple[Sequence, Truth]]) -> None:
    """Write the sidecar of one subject."""
    with write_hdf5(path) as file:
        file.attrs["units"] = "label -1 occluded, 0 on the torso's plane, 1 in front; pose_3d mm in the camera's frame; image PNG, RGB"
        file.attrs["joints"], file.attrs["limbs"], file.attrs["chains"] = H36M_17.names, LIMB_NAMES, CHAIN_NAMES
        for take, truth in takes:
            group = file.create_group(f"sequences/{take.prefix}")
            group.attrs["identity"] = take.identity
            for number, view in truth.items():
                _write_view_truth(group.create_group(number), view)


def _write_view_truth(group: h5py.Group, view: ViewTruth) -> None:
    group["label"], group["clear"] = view.label, view.clear
    twins = group.create_group("twins")
    twins.attrs["sought"], twins.attrs["same_label"], twins.attrs["same_picture"] = view.sought, view.same_label, view.same_picture
    twins["frame"], twins["chain"] = np.array(view.frame, np.int32), np.array(view.chain, np.int8)
    twins["pose_3d"] = np.array(view.pose_3d, np.float32).reshape(-1, len(H36M_17), 3)
    images = twins.create_dataset("image", (len(view.image),), h5py.vlen_dtype(np.uint8))
    for i, image in enumerate(view.image):
        images[i] = image


def _warm_up() -> None:
    """Compile the renderer once, before several processes want it at the same time."""
    person, pose, seat = invent_take(0, sequences("S1", 1)[0], 1, 1)
    view = look(room_cameras(16, 0, 1)[CAMERA_IDS[0]], 16)
    renderer = Renderer(build_body(person, pose, seat), person.materials)
    bounds = screen_bounds(renderer.solids, view.camera)
    renderer.picture(view, bounds, 0)
    label_truth(renderer.part_depths(view, bounds, 0, TRUTH_STEP))
