import numpy as np
import pytest
from invented_session import SIZE, cameras, people

from pipeline.datasets.recordings.room import RoomCamera, body_height, find_rooms, find_unit
from pipeline.pose.skeleton import H36M_17
from pipeline.utils.errors import UserError

TURNS = {
    "z": np.eye(3),
    "-z": np.diag([1.0, -1, -1]),
    "x": np.array([[0.0, 0, 1], [0, 1, 0], [-1, 0, 0]]),
    "-y": np.array([[1.0, 0, 0], [0, 0, -1], [0, 1, 0]]),
}


def placed(turn: np.ndarray, unit: float) -> list[RoomCamera]:
    """The cameras of the invented room, in a room whose axes lie otherwise."""
    return [RoomCamera(name, SIZE, c.K, np.zeros(5), c.R @ turn.T, c.t / unit) for name, c in cameras().items()]


@pytest.mark.parametrize("turn", TURNS)
@pytest.mark.parametrize(("unit", "mm"), [("m", 1000), ("mm", 1)])
def test_what_is_up_becomes_z_and_pixels_stay(turn: str, unit: str, mm: float) -> None:
    there = placed(TURNS[turn], mm)
    room = find_rooms([people(1) @ TURNS[turn].T], there, ["same"])[0]
    poses = room.poses(people(1) @ TURNS[turn].T)
    assert (room.unit, room.axes) == (unit, "same")
    assert (poses[:, H36M_17.index("head"), 2] - poses[:, H36M_17.index("left_ankle"), 2] > 1000).all()
    for camera, real in zip(there, cameras().values(), strict=True):
        expected = people(1) @ real.R.T + real.t
        np.testing.assert_allclose(room.camera(camera).to_camera(poses), expected, atol=1e-6)


def test_people_who_hang_from_the_ceiling_are_not_believed() -> None:
    upside_down = people(1) * np.array([1, -1, -1]) + np.array([0, 0, 1800])
    with pytest.raises(UserError, match="expected people upright"):
        find_rooms([upside_down], placed(np.eye(3), 1), ["same"])


@pytest.mark.parametrize(("unit", "mm"), [("m", 1000), ("cm", 10), ("mm", 1)])
def test_the_height_of_a_body_tells_the_unit(unit: str, mm: float) -> None:
    assert find_unit(people(4) / mm, "a.trc") == unit
    assert 1400 < body_height(people(4)) < 2000


def test_a_body_of_no_height_is_none() -> None:
    with pytest.raises(UserError, match=r"a.trc: expected people of 1 to 2.3 m, found 0.* no such length in m, cm, mm"):
        find_unit(people(1) / 5000, "a.trc")
