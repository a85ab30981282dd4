"""From the keypoints of photos to the joints of the packs."""

import numpy as np
import pytest

from pipeline.datasets.photos.joints import to_coco_18, to_h36m_17
from pipeline.datasets.synthetic.dataset import invent_take
from pipeline.datasets.synthetic.names import sequences
from pipeline.pose.skeleton import COCO_18, H36M_17, skeleton_of


def test_the_keypoints_are_a_joint_set() -> None:
    assert skeleton_of(18) is COCO_18
    assert [COCO_18.flip[COCO_18.flip[joint]] for joint in range(18)] == list(range(18))
    for joint, parent in enumerate(COCO_18.parents):
        assert parent == -1 or COCO_18.parents[COCO_18.flip[joint]] == COCO_18.flip[parent]


def test_what_both_sets_have_comes_back() -> None:
    points = np.random.default_rng(1).uniform(0, 200, (5, 18, 2))
    points[2, COCO_18.index("left_wrist")] = np.nan
    back = to_coco_18(to_h36m_17(points))
    known = [joint for joint, name in enumerate(COCO_18.names) if not name.endswith(("eye", "ear"))]
    np.testing.assert_array_equal(back[:, known], points[:, known])
    assert np.isnan(back[:, [joint for joint in range(18) if joint not in known]]).all()


def test_a_flip_may_come_before_or_after() -> None:
    points = np.random.default_rng(2).uniform(0, 200, (4, 18, 2))
    mirrored = (points * (-1, 1))[:, COCO_18.flip]
    np.testing.assert_allclose(to_h36m_17(mirrored), (to_h36m_17(points) * (-1, 1))[:, H36M_17.flip])


def test_a_half_of_a_body_has_no_hips_and_no_spine() -> None:
    points = np.random.default_rng(3).uniform(0, 200, (18, 2))
    points[[COCO_18.index(name) for name in ("right_hip", "right_ear")]] = np.nan
    pose = to_h36m_17(points)
    missing = {H36M_17.names[joint] for joint in np.flatnonzero(np.isnan(pose[:, 0]))}
    assert missing == {"hips", "right_hip", "spine"}


@pytest.mark.parametrize(
    ("missing", "within"),
    [((), 20), (("left_ear",), 80), (("left_ear", "left_eye", "right_eye"), 80), (("left_ear", "right_ear"), 150)],
    ids=["all", "one ear", "one ear and the nose", "no ear"],
)
def test_the_head_ends_where_that_of_the_built_in_people_does(missing: tuple[str, ...], within: float) -> None:
    """Condition from the front, in mm, on average over people."""
    away = []
    for take in sequences("S1", 6):
        person, pose, _ = invent_take(1, take, 10, 50)
        across, depth, up = person.build.head
        points = to_coco_18(pose.joints)
        for side, name in ((-1, "left"), (1, "right")):
            for part, offset in {"eye": (side * 0.37 * across, 0.92 * depth, 0.02 * up), "ear": (side * across, -6, -0.05 * up)}.items():
                points[:, COCO_18.index(f"{name}_{part}")] = pose.head_centre + pose.head @ np.array(offset)
        points[:, [COCO_18.index(name) for name in missing]] = np.nan
        seen = np.stack([pose.chest[..., 0], pose.chest[..., 2]], axis=1)  # (T, 2, 3) the picture's axes
        top = (to_h36m_17(points) - pose.joints)[:, H36M_17.index("head")]
        away.append(np.linalg.norm(np.einsum("tij,tj->ti", seen, top), axis=-1).mean())
    assert np.mean(away) < within


def test_nothing_of_the_head_is_known_where_no_keypoint_is() -> None:
    points = np.random.default_rng(4).uniform(0, 200, (18, 2))
    points[[COCO_18.index(name) for name in ("nose", "right_eye", "left_eye", "right_ear", "left_ear")]] = np.nan
    assert np.isnan(to_h36m_17(points)[H36M_17.index("head")]).all()
