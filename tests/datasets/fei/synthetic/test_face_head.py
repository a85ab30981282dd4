"""Invented heads: landmarks where they are painted, views as FEI numbers them, nearer triangles in front, the same bytes each time."""

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from pipeline.config.faces import FacesConfig
from pipeline.config.parallel import ParallelConfig
from pipeline.datasets.fei.landmarks import read_landmarks
from pipeline.datasets.fei.layout import ROTATION, find_pictures
from pipeline.datasets.fei.synthetic.head import Face, Mesh, build_mesh, landmarks
from pipeline.datasets.fei.synthetic.invent import invent_face, write_faces
from pipeline.datasets.fei.synthetic.render import DISTANCE, HeadPose, project, render
from pipeline.pose.skeleton import IBUG_68

ONE_WORKER = ParallelConfig(workers=1, scheduler=None, accelerator="cpu", devices=1, nodes=1, strategy="auto")
SIZE = (240, 320)
FRONT = HeadPose(0.0, 0.0, 0.0, (0.0, 0.0), 1.0)
CHIN, NOSE_TIP, RIGHT_EYE, LEFT_EYE = 8, 30, slice(36, 42), slice(42, 48)


@pytest.fixture(scope="module")
def face() -> Face:
    """A person without hair over the face, beard or glasses."""
    invented = invent_face(np.random.default_rng(5))
    return replace(invented, beard=0.0, glasses=None, hair_end=None, skin=(0.8, 0.6, 0.5), lip=(0.7, 0.2, 0.2), light=(0.0, 0.0, -1.0))


def seen(face: Face, view: HeadPose) -> np.ndarray:
    return project(view.to_camera(landmarks(face)), SIZE)


def test_landmarks_of_a_symmetric_face_are_symmetric(face: Face) -> None:
    points = landmarks(face)
    np.testing.assert_allclose(points[list(IBUG_68.flip)], points * (-1, 1, 1), atol=1e-9)


def test_the_nose_stands_out_and_the_chin_is_lowest(face: Face) -> None:
    points = landmarks(face)
    assert points[:, 2].argmin() == NOSE_TIP
    assert points[:, 1].argmax() == CHIN
    assert points[RIGHT_EYE, 0].max() < 0 < points[LEFT_EYE, 0].min()  # the person's right is at the left of the picture


def test_lips_and_eyes_are_painted_where_their_landmarks_are(face: Face) -> None:
    image = render(build_mesh(face), face, FRONT, SIZE).astype(int)
    points = seen(face, FRONT)

    def colour(point: np.ndarray) -> np.ndarray:
        column, row = np.rint(point).astype(int)
        return image[row, column]

    lip, cheek = colour(points[[51, 62]].mean(axis=0)), colour((points[4] + points[31]) / 2)
    assert lip[0] - lip[1] > cheek[0] - cheek[1] + 20  # redder
    for eye in (RIGHT_EYE, LEFT_EYE):
        assert colour(points[eye].mean(axis=0)).max() < 60  # the pupil


def test_the_first_view_looks_to_the_left_of_the_picture_and_the_last_to_the_right(face: Face) -> None:
    for yaw, side in ((-np.pi / 2, -1), (np.pi / 2, 1)):
        points = seen(face, replace(FRONT, yaw=yaw))
        assert side * (points[NOSE_TIP, 0] - points[[0, 16], 0].mean()) > 30


def test_the_nearer_triangle_covers_the_other_whichever_is_drawn_first(face: Face) -> None:
    corner = np.array([(-90, -90), (90, -90), (0, 90)], float)
    point = np.concatenate([np.column_stack([corner, np.full(3, depth)]) for depth in (40.0, -40.0)])
    colour = np.repeat([(1.0, 0.0, 0.0), (0.0, 1.0, 0.0)], 3, axis=0)
    lit = replace(face, ambient=1.0, light=(0.0, 0.0, 1.0))
    for order in ([[0, 1, 2], [3, 4, 5]], [[3, 4, 5], [0, 1, 2]]):
        mesh = Mesh(point, colour, np.tile([0.0, 0.0, -1.0], (6, 1)), np.array(order, np.int32), np.zeros(6))
        row, column = (round(value) for value in project(np.array([[0.0, 0.0, DISTANCE]]), SIZE)[0][::-1])
        assert render(mesh, lit, FRONT, SIZE)[row, column].tolist() == [0, 255, 0]


def test_the_data_has_feis_layout_and_the_same_bytes_each_time(tmp_path: Path) -> None:
    config = FacesConfig(seed=3, people=2, picture_size=(96, 128))
    for name in ("first", "second"):
        write_faces(tmp_path / name, config, ONE_WORKER)
    files = [{path.name: path.read_bytes() for path in (tmp_path / name).iterdir()} for name in ("first", "second")]
    assert files[0] == files[1]
    pictures = find_pictures(tmp_path / "first", ROTATION)
    assert [(picture.person, picture.view) for picture in pictures] == [(person, view) for person in (1, 2) for view in ROTATION]
    found = read_landmarks(tmp_path / "first", [picture.path.name for picture in pictures])
    assert len(found) == 20
    for name, points in found.items():
        image = cv2.imread(str(tmp_path / "first" / name))
        assert image is not None
        assert image.shape == (96, 128, 3)
        assert ((points > 0) & (points < (128, 96))).all()


def test_people_differ() -> None:
    first, second = (landmarks(invent_face(np.random.default_rng([1, person]))) for person in (1, 2))
    assert np.abs(first - second).max() > 1
