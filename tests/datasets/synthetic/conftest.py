import numpy as np
import pytest

from pipeline.datasets.synthetic.body import build_body
from pipeline.datasets.synthetic.dataset import invent_take
from pipeline.datasets.synthetic.names import sequences
from pipeline.datasets.synthetic.person import invent_person
from pipeline.datasets.synthetic.renderer import Renderer, screen_bounds
from pipeline.datasets.synthetic.rig import Controls, arm_frame
from pipeline.datasets.synthetic.room import CAMERA_IDS, look, room_cameras

SIZE = 96


class Scene:
    """A few frames of one take in one view."""

    def __init__(self, number=0, camera=0, subject="S1", frames=3):
        take = sequences(subject, 30)[number]
        self.person, self.pose, self.seat = invent_take(1, take, frames, 50)
        self.view = look(room_cameras(SIZE, 1, take.subject_number)[CAMERA_IDS[camera]], SIZE)
        self.renderer = Renderer(build_body(self.person, self.pose, self.seat), self.person.materials)
        self.bounds = screen_bounds(self.renderer.solids, self.view.camera)


@pytest.fixture(scope="session")
def scene():
    return Scene()


@pytest.fixture(scope="session")
def scenes():
    """Somebody who walks, who sits, who sits on the floor, and a woman's skirt."""
    return [Scene(0, 0), Scene(1, 1), Scene(9, 2), Scene(4, 3)]


def standing(build):
    """Makes `Controls` of somebody of this build who stands upright in the middle and faces +y, arms hanging; any of them can be changed."""
    values = {
        "position": np.zeros((1, 2)),
        "height": np.full(1, 0.53 * build.stature),
        "yaw": np.zeros(1),
        "tilt": np.zeros((1, 2)),
        "bend": np.zeros((1, 3)),
        "look": np.zeros((1, 2)),
        "arm": np.stack([arm_frame(np.array((0, 0, -1.0)), np.array((0, 1.0, 0)))] * 2)[None],
        "elbow": np.full((1, 2), 0.2),
        "foot": np.tile((0.06 * build.stature, 0, 0), (1, 2, 1)),
        "knee": np.zeros((1, 2)),
        "planted": True,
    }
    return lambda **changes: Controls(**{**values, **changes})


@pytest.fixture(scope="session")
def person_who_stands():
    """A person, and a function that makes their controls."""
    person = invent_person(np.random.default_rng(0))
    return person, standing(person.build)


@pytest.fixture
def rng():
    return np.random.default_rng(7)
