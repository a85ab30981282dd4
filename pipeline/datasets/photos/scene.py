"""An invented person before a camera: the picture, and what is known of it as people know it of photos."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pipeline.config.pose import PoseConfig
from pipeline.datasets.photos.joints import to_coco_18, to_h36m_17
from pipeline.datasets.photos.poses import label_poses
from pipeline.datasets.photos.twins import FOLDER, twin_name
from pipeline.datasets.synthetic.body import build_body
from pipeline.datasets.synthetic.person import Person
from pipeline.datasets.synthetic.renderer import Renderer, screen_bounds
from pipeline.datasets.synthetic.rig import Pose, unit
from pipeline.datasets.synthetic.room import EmptyRoom
from pipeline.datasets.synthetic.twins import mirror_chain, pictures_differ
from pipeline.pose.camera import Camera
from pipeline.pose.labels import Labels
from pipeline.pose.skeleton import CHAIN_LIMBS, COCO_18, LIMBS
from pipeline.utils.images import encode


@dataclass(frozen=True)
class Scene:
    """A person in a room that a camera sees; seat : the middle of the seat's top (3,), mm, where there is one."""

    person: Person
    room: EmptyRoom
    seat: np.ndarray | None = None

    @property
    def camera(self) -> Camera:
        """The camera."""
        return self.room.camera

    @property
    def size(self) -> int:
        """Height and width of the pictures, px."""
        return len(self.room.picture)

    def keypoints(self, pose: Pose) -> np.ndarray:
        """What a detector finds, (18, 2) float32: in whole px, NaN outside the picture or on the far side of the head."""
        joints = to_coco_18(pose.joints[0])
        across, depth, up = self.person.build.head
        centre, head = pose.head_centre[0], pose.head[0]
        toward = unit(self.camera.T - centre) @ head  # from the head to the camera, in the head's frame
        for side, word in ((1, "right"), (-1, "left")):
            joints[COCO_18.index(f"{word}_eye")] = centre + head @ (side * 0.37 * across, 0.92 * depth, 0.02 * up) if toward[1] > 0 else np.nan
            joints[COCO_18.index(f"{word}_ear")] = centre + head @ (side * across, -6, -0.05 * up) if side * toward[0] > -0.25 else np.nan
        if toward[1] < -0.2:
            joints[COCO_18.index("nose")] = np.nan
        points = np.rint(self.camera.project(self.camera.to_camera(joints)))
        points[~((points >= 0) & (points < self.size)).all(axis=1)] = np.nan
        return points.astype(np.float32)

    def labels(self, pose: Pose, points: np.ndarray, rule: PoseConfig) -> Labels:
        """The labels of the limbs both of whose joints are among the keypoints, by the rule."""
        by_rule = label_poses({"": self.camera.to_camera(pose.joints[0])}, rule)[""]
        there = ~np.isnan(to_h36m_17(points)[:, 0])
        return tuple(label if there[list(limb)].all() else None for label, limb in zip(by_rule, LIMBS, strict=True))

    def shoot(self, pose: Pose) -> np.ndarray:
        """The picture, (S, S, 3) uint8 RGB."""
        renderer = Renderer(build_body(self.person, pose, self.seat), self.person.materials)
        return renderer.picture(self.room, screen_bounds(renderer.solids, self.camera), 0)


def write_twins(root: Path, file: str, scene: Scene, pose: Pose, points: np.ndarray, rule: PoseConfig) -> dict[str, Labels]:
    """Photograph the twins of a photo whose labels and whose pictures differ from its own; their labels by file name."""
    picture, labels = scene.shoot(pose), scene.labels(pose, points, rule)
    twins = {}
    for chain, limbs in enumerate(CHAIN_LIMBS):
        twin = mirror_chain(pose, chain, scene.camera)
        changed = scene.labels(twin, points, rule)
        if any(changed[limb] is None for limb in limbs) or all(changed[limb] == labels[limb] for limb in limbs):
            continue
        other = scene.shoot(twin)
        if pictures_differ(picture, other):
            twins[twin_name(file, chain)] = changed
            (root / FOLDER / twin_name(file, chain)).write_bytes(encode(other, ".jpg"))
    return twins
