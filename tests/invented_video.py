"""Invented people before one camera, as people hold such: a video, and OpenPose's or COCO's keypoints of it."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np

from pipeline.config.pose import PoseConfig
from pipeline.datasets.human36m.encode import write_video
from pipeline.datasets.photos.scene import Scene
from pipeline.datasets.photos.synthetic import plain_wall
from pipeline.datasets.recordings.joint_names import BODY_25
from pipeline.datasets.synthetic.motion import invent_motion
from pipeline.datasets.synthetic.person import invent_person
from pipeline.pose.camera import Camera
from pipeline.pose.joint_sets import COCO_17
from pipeline.pose.labels import Labels
from pipeline.pose.skeleton import COCO_18, H36M_17

SIDE, FPS, FRAMES = 64, 20, 24  # px, frames per second, frames of a video
ACTIONS = ("Greeting", "Directions", "Posing", "Waiting")


@dataclass(frozen=True)
class Shot:
    """Somebody in some frames: pictures (T, S, S, 3) uint8 RGB, keypoints (T, 18, 2) px, NaN where not found, and the true labels."""

    pictures: np.ndarray
    points: np.ndarray
    labels: Sequence[Labels]


def film(seed: int, rule: PoseConfig, times: np.ndarray, side: int = SIDE) -> Shot:
    """Somebody who moves before a camera that stands still, at `times` (T,) seconds; pictures are `side` px wide and high."""
    rng = np.random.default_rng(seed)
    person = invent_person(rng)
    motion = invent_motion(ACTIONS[seed % len(ACTIONS)], person.build, rng, times)
    scene = Scene(person, plain_wall(facing_camera(motion.joints, rng.uniform(-0.6, 0.6), side), np.full(3, 0.9), side))
    poses = [motion[frame : frame + 1] for frame in range(len(times))]
    points = np.stack([scene.keypoints(pose) for pose in poses])
    labels = [scene.labels(pose, placed, rule) for pose, placed in zip(poses, points, strict=True)]
    return Shot(np.stack([scene.shoot(pose) for pose in poses]), points, labels)


def facing_camera(joints: np.ndarray, turn: float, side: int) -> Camera:
    """A camera 4.5 m from somebody, turned by some radians to the side, that sees all that they do: joints (T, 17, 3) mm."""
    middle = joints.reshape(-1, 3).mean(axis=0)
    hips = joints[0, H36M_17.index("left_hip")] - joints[0, H36M_17.index("right_hip")]
    angle = np.arctan2(-hips[0], hips[1]) + np.pi + turn
    ahead = np.array((np.cos(angle), np.sin(angle), 0.0))
    right = np.cross(ahead, (0, 0, 1))
    R, T = np.stack([right, (0, 0, -1), ahead]), middle - 4500 * ahead
    seen = (joints.reshape(-1, 3) - T) @ R.T
    focal = 0.40 * side / np.abs(seen[:, :2] / seen[:, 2:]).max()
    K = np.array(((focal, 0, (side - 1) / 2), (0, focal, (side - 1) / 2), (0, 0, 1)))
    return Camera(K=K, distortion=np.zeros(5), R=R, T=T)


def side_by_side(shots: Sequence[Shot]) -> tuple[np.ndarray, list[np.ndarray]]:
    """Frames (T, S, n S, 3) that show all of the people, and the keypoints of each (T, 18, 2)."""
    side = shots[0].pictures.shape[2]
    return np.concatenate([shot.pictures for shot in shots], axis=2), [
        shot.points + np.array((number * side, 0)) for number, shot in enumerate(shots)
    ]


def write_film(path: Path, frames: np.ndarray, fps: float = FPS) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    write_video(path, frames, Fraction(fps).limit_denominator(1001), 10)
    return path


def write_openpose(folder: Path, people: Sequence[np.ndarray], joints: Sequence[str] = BODY_25, first: int = 0, numbers: Sequence[int] = ()) -> Path:
    """A file per frame, as OpenPose writes them for somebody's keypoints (T, 18, 2) each, NaN where not found; numbers : `person_id` of each."""
    folder.mkdir(parents=True)
    names = {"neck": "thorax"} if "thorax" in joints else {}
    places = [joints.index(names.get(name, name)) for name in COCO_18.names if names.get(name, name) in joints]
    kept = [number for number, name in enumerate(COCO_18.names) if names.get(name, name) in joints]
    for frame in range(len(people[0])):
        entries = []
        for number, points in enumerate(people):
            found = np.zeros((len(joints), 3))
            found[places, :2] = np.nan_to_num(points[frame][kept])
            found[places, 2] = 0.8 * ~np.isnan(points[frame][kept, 0])
            if found.any():
                entries.append({"person_id": [numbers[number] if numbers else -1], "pose_keypoints_2d": found.ravel().tolist()})
        name = f"{folder.name}_{frame + first:012d}_keypoints.json"
        (folder / name).write_text(json.dumps({"version": 1.3, "people": entries}), encoding="utf-8")
    return folder


def write_coco(path: Path, names: Sequence[str], people: Sequence[np.ndarray], size: tuple[int, int], tracks: Sequence[int] = ()) -> Path:
    """A keypoint file of COCO's form for pictures of `size` (width, height) with somebody's keypoints (T, 18, 2) each, NaN where not found."""
    images = [{"id": number, "file_name": name, "width": size[0], "height": size[1]} for number, name in enumerate(names)]
    entries: list[Mapping[str, object]] = []
    for picture in range(len(names)):
        for number, points in enumerate(people):
            placed = np.stack([points[picture][COCO_18.index(name)] for name in COCO_17])
            seen = ~np.isnan(placed[:, 0])
            if not seen.any():
                continue
            keypoints = np.column_stack([np.nan_to_num(placed), 2 * seen]).ravel().tolist()
            low, high = np.nanmin(placed, axis=0), np.nanmax(placed, axis=0)
            who = {"track_id": tracks[number]} if tracks else {}
            box = [*low.tolist(), *(high - low).tolist()]
            entries.append({"id": len(entries), "image_id": picture, "category_id": 1, "iscrowd": 0, "bbox": box, "keypoints": keypoints, **who})
    content = {"images": images, "annotations": entries, "categories": [{"id": 1, "name": "person", "keypoints": list(COCO_17)}]}
    path.write_text(json.dumps(content), encoding="utf-8")
    return path
