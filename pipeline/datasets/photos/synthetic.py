"""The built-in photos: invented people, each photographed in several poses, written as the field shares DeepFashion.

The files beside the pictures are those of `annotations.py` and `hand_labels.py`. What a person with a good eye would write into `depth.csv` comes
from the 3D poses by the rule of `pose_space.py`; the 3D poses lie beside it, which no real photo has. The people who are scored have twins
(`twins.py`).
"""

import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from pipeline.config.parallel import ParallelConfig
from pipeline.config.photos import PhotosConfig
from pipeline.config.pose import PoseConfig
from pipeline.datasets.photos.annotations import identity, write_annotations, write_list, write_pairs
from pipeline.datasets.photos.hand_labels import FILE_NAME, write_label_file
from pipeline.datasets.photos.layout import split_pictures
from pipeline.datasets.photos.poses import write_poses_3d
from pipeline.datasets.photos.scene import Scene, write_twins
from pipeline.datasets.photos.twins import FOLDER
from pipeline.datasets.synthetic.motion import ACTIONS, invent_motion
from pipeline.datasets.synthetic.person import Person, invent_person
from pipeline.datasets.synthetic.rig import Pose, rotation, unit
from pipeline.datasets.synthetic.room import EmptyRoom, camera_rays
from pipeline.parallel import run_parallel
from pipeline.pose.camera import Camera
from pipeline.pose.labels import Labels
from pipeline.pose.skeleton import H36M_17
from pipeline.utils.images import encode

KEYPOINTS, LIST, PAIRS, POSES = "fashion-annotation-{}.csv", "{}.lst", "fashion-pairs-test.csv", "pose_3d.npz"
STANDING = tuple(name for name, action in ACTIONS.items() if not action.seated)
# How a person stands to the camera, degrees: middle and spread of the angle; and how often.
ANGLES = {"front": (0.0, 15.0), "side": (70.0, 15.0), "back": (180.0, 15.0), "full": (0.0, 35.0), "additional": (0.0, 25.0)}
SHARES = (0.3, 0.2, 0.1, 0.25, 0.15)
UPPER_BODY = "additional"  # seen from the hips upwards
DISTANCE, EYE_HEIGHT = 4500.0, 1250.0  # mm, of the camera
FILLS, ASPECT = 0.84, 176 / 256  # the body's share of the picture's height, or of the middle that is as wide as DeepFashion's cut pictures


@dataclass(frozen=True)
class Photo:
    """What is known about a picture: keypoints (18, 2) px, NaN where missing, and pose_3d (17, 3) mm, camera frame.

    labels : what can be seen of the labels; twins : those of its twins, by file name.
    """

    name: str
    points: np.ndarray
    pose_3d: np.ndarray
    labels: Labels
    twins: Mapping[str, Labels]


def write_photos(root: Path, config: PhotosConfig, pose: PoseConfig, parallel: ParallelConfig) -> None:
    """Write pictures, twins, keypoints, depth labels, 3D poses, lists and test pairs into the new folder `root`."""
    (root / FOLDER).mkdir(parents=True)
    names = [_identity(number) for number in range(1, config.people + 1)]
    scored = split_pictures(names, config.test_share, config.seed)[1]
    _warm_up(config.picture_size, pose)
    people = run_parallel(partial(_photograph, root.absolute(), config, pose), [(name, name in scored) for name in names], parallel, "rendering")
    photos = {photo.name: photo for person in people for photo in person}
    lists = {split: [name for name in sorted(photos) if (identity(name) in scored) == (split == "test")] for split in ("train", "test")}
    for split, listed in lists.items():
        write_list(root / LIST.format(split), listed)
        write_annotations(root / KEYPOINTS.format(split), {name: photos[name].points for name in listed})
    test = lists["test"]
    write_pairs(root / PAIRS, [(source, target) for source in test for target in test if source != target and identity(source) == identity(target)])
    write_poses_3d(root / POSES, {name: photo.pose_3d for name, photo in photos.items()})
    write_label_file(root / FILE_NAME, {name: photo.labels for name, photo in photos.items()})
    write_label_file(root / FOLDER / FILE_NAME, {name: labels for photo in photos.values() for name, labels in photo.twins.items()})


def _identity(number: int) -> str:
    return f"fashionInventedid{number:08d}"


def _photograph(root: Path, config: PhotosConfig, rule: PoseConfig, who: tuple[str, bool]) -> list[Photo]:
    """All pictures of one person, and their twins if wanted; everything about them depends on the seed and the person's name alone."""
    name, with_twins = who
    rng = np.random.default_rng([config.seed, zlib.crc32(name.encode())])
    person, wall = invent_person(rng), rng.uniform(0.84, 0.97) + rng.normal(0, 0.012, 3)
    photos = []
    for number in range(1, config.pictures + 1):
        kind = str(rng.choice(list(ANGLES), p=SHARES))
        pose = _pose(person, rng)
        scene = Scene(person, plain_wall(_camera(pose, kind, config.picture_size, rng), wall, config.picture_size))
        file = f"{name}_{number}{kind}.jpg"
        picture, points = scene.shoot(pose), scene.keypoints(pose)
        (root / file).write_bytes(encode(picture, ".jpg"))
        labels = scene.labels(pose, points, rule)
        twins = write_twins(root, file, scene, pose, points, rule) if with_twins else {}
        photos.append(Photo(file, points, scene.camera.to_camera(pose.joints[0]).astype(np.float32), labels, twins))
    return photos


def _warm_up(size: int, rule: PoseConfig) -> None:
    """Compile the renderer and the rule once, before several processes want them at the same time."""
    rng = np.random.default_rng(0)
    person = invent_person(rng)
    pose = _pose(person, rng)
    scene = Scene(person, plain_wall(_camera(pose, "front", size, rng), np.ones(3), size))
    scene.shoot(pose)
    scene.labels(pose, scene.keypoints(pose), rule)


def _pose(person: Person, rng: np.random.Generator) -> Pose:
    """Somebody standing, at one moment of an action."""
    action = str(rng.choice(STANDING))
    return invent_motion(action, person.build, rng, np.array([rng.uniform(0, 4)]))


def _camera(pose: Pose, kind: str, size: int, rng: np.random.Generator) -> Camera:
    """A camera before the person, at the angle of this kind of picture, zoomed and shifted so that the person fills the picture."""
    middle, spread = ANGLES[kind]
    joints = pose.joints[0]
    ahead = unit(pose.chest[0, :, 1] * (1, 1, 0))
    turn = np.radians(middle * rng.choice((-1, 1)) + rng.normal(0, spread))
    place = joints[0] + DISTANCE * (rotation("z", np.array([turn]))[0] @ ahead)
    T = np.array((place[0], place[1], EYE_HEIGHT + rng.normal(0, 80)))
    forward = unit((joints[0] + joints[H36M_17.index("thorax")]) / 2 - T)
    right = unit(np.cross(forward, (0, 0, 1)))
    R = np.stack([right, np.cross(forward, right), forward])
    shown = [joint for joint, name in enumerate(H36M_17.names) if kind != UPPER_BODY or not name.endswith(("knee", "ankle"))]
    seen = Camera(K=np.eye(3), distortion=np.zeros(5), R=R, T=T)
    points = seen.project(seen.to_camera(joints[shown]))
    low, high = points.min(axis=0), points.max(axis=0)
    low, high = low - 0.06 * (high - low).max(), high + 0.06 * (high - low).max()  # flesh beyond the joints
    focal = rng.uniform(0.93, 1.0) * FILLS * size / max(high[1] - low[1], (high[0] - low[0]) / ASPECT)
    centre = (size - 1) / 2 + rng.normal(0, 0.012, 2) * size - focal * (low + high) / 2
    return Camera(K=np.array(((focal, 0, centre[0]), (0, focal, centre[1]), (0, 0, 1))), distortion=np.zeros(5), R=R, T=T)


def plain_wall(camera: Camera, colour: np.ndarray, size: int) -> EmptyRoom:
    """What a camera of pictures of `size` x `size` sees of a wall of one colour (3,) in [0, 1]; it is a little darker below."""
    shade = np.linspace(1.02, 0.95, size)[:, None, None]
    wall = np.broadcast_to((colour * shade).clip(0, 1), (size, size, 3)).astype(np.float32)
    return EmptyRoom(camera, camera_rays(camera, size), wall, np.full((size, size, 2), np.nan, np.float32))
