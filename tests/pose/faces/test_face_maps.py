"""What is drawn of a face: discs, contours, masks, each against its definition, and the order in which the networks see them."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from pipeline.config.faces import FaceMapConfig
from pipeline.datasets.fei.synthetic.head import landmarks
from pipeline.datasets.fei.synthetic.invent import invent_face
from pipeline.datasets.fei.synthetic.render import HeadPose, project
from pipeline.pose.conditioning import encode_poses
from pipeline.pose.faces.conditioning import FaceConditioning
from pipeline.pose.faces.maps import draw_edges, draw_heatmaps, ellipse_mask, polygon_mask
from pipeline.pose.skeleton import IBUG_68

SIZE = (48, 64)
NO_LABELS = torch.zeros(2, 0, dtype=torch.int8)


def face(yaw: float = 0.0) -> Tensor:
    """(1, 68, 2) px of an invented person."""
    view = HeadPose(yaw, 0.0, 0.0, (0.0, 0.0), 1.0)
    return torch.from_numpy(project(view.to_camera(landmarks(invent_face(np.random.default_rng(2)))), SIZE)[None].astype(np.float32))


def config(**values: Any) -> FaceMapConfig:
    given = {"maps": ("heatmaps",), "appearance": False, "source": False, "heatmap_radius": 2.5, "mask": "ellipse", "ellipse": (1.2, 1.5)}
    return FaceMapConfig.model_validate({**given, **values})


def mirror(points: Tensor) -> Tensor:
    flipped = points[:, list(IBUG_68.flip)].clone()
    flipped[..., 0] = SIZE[1] - 1 - flipped[..., 0]
    return flipped


def test_a_disc_is_where_its_landmark_is() -> None:
    points = torch.full((1, 68, 2), 20.0)
    points[0, 3] = torch.tensor([30.0, 10.0])
    points[0, 5] = torch.nan
    maps = draw_heatmaps(points, SIZE, 2.0)
    rows, columns = np.mgrid[: SIZE[0], : SIZE[1]]
    expected = (rows - 10) ** 2 + (columns - 30) ** 2 <= 4
    np.testing.assert_array_equal(maps[0, 3].numpy(), expected)
    assert maps[0, 5].eq(0).all()
    assert maps.shape == (1, 68, *SIZE)


def test_the_ellipse_has_the_size_asked_for_and_stands_higher_than_the_box() -> None:
    points = torch.full((1, 68, 2), 30.0)
    points[0, :2] = torch.tensor([[20.0, 14.0], [40.0, 34.0]])
    mask = ellipse_mask(points, SIZE, (1.0, 1.0))[0, 0]
    rows, columns = np.mgrid[: SIZE[0], : SIZE[1]]
    expected = ((columns - 30) / 10) ** 2 + ((rows - 22) / 10) ** 2 <= 1  # a tenth of 20 px higher than the middle, 24
    np.testing.assert_array_equal(mask.numpy(), expected)
    assert ellipse_mask(points, SIZE, (1.5, 1.0)).sum() == pytest.approx(1.5 * float(mask.sum()), rel=0.05)


def test_the_polygon_holds_eyes_nose_and_mouth_and_its_own_corners() -> None:
    points = face()
    mask = polygon_mask(points, SIZE)[0, 0]
    for column, row in points[0].round().long().tolist():
        assert mask[row, column] == 1
    profile = face(1.5)
    side = polygon_mask(profile, SIZE)[0, 0]
    eye = profile[0, 36:48].mean(dim=0).round().long().tolist()
    assert side[eye[1] + 2, eye[0] - 2] == 1  # the cheek
    assert mask[0, 0] == mask[-1, -1] == 0
    assert mask[2, int(points[0, 27, 0])] == 0  # the hair above the brows


@pytest.mark.parametrize("yaw", [0.0, 0.7, 1.5])
@pytest.mark.parametrize("kind", ["ellipse", "polygon"])
def test_a_mirrored_face_has_the_mirrored_mask(yaw: float, kind: str) -> None:
    conditioning = FaceConditioning(config(mask=kind))
    first, second = (conditioning.mask(conditioning.measure(points, SIZE)) for points in (face(yaw), mirror(face(yaw))))
    assert (first.flip(-1) != second).float().mean() < 0.003
    assert first.sum() > 50


def test_masks_and_maps_of_a_face_of_which_nothing_is_known_are_empty() -> None:
    points = torch.full((1, 68, 2), torch.nan)
    assert ellipse_mask(points, SIZE, (1.0, 1.0)).sum() == polygon_mask(points, SIZE).sum() == 0
    assert draw_heatmaps(points, SIZE, 2.0).eq(0).all()


def test_contours_are_where_colours_change() -> None:
    image = torch.full((1, 3, *SIZE), -0.8)
    image[..., 30:] = 0.8
    edges = draw_edges(image)[0, 0]
    assert set(edges.unique().tolist()) == {0.0, 1.0}
    assert (edges == 1).nonzero()[:, 1].unique().tolist() in ([29], [30])
    assert draw_edges(torch.zeros(1, 3, *SIZE)).eq(0).all()


@pytest.mark.parametrize(("maps", "source", "channels"), [(("heatmaps",), True, 136), (("heatmaps", "edges"), True, 138), (("edges",), False, 1)])
def test_the_target_comes_first_then_the_source(maps: tuple[str, ...], source: bool, channels: int) -> None:
    conditioning = FaceConditioning(config(maps=maps, source=source))
    generator = torch.Generator().manual_seed(0)
    images = torch.rand(2, 2, 3, *SIZE, generator=generator) * 2 - 1
    poses = [face(yaw).repeat(2, 1, 1) for yaw in (-0.5, 0.5)]
    condition = encode_poses(conditioning, images[0], poses[0], NO_LABELS, poses[1], NO_LABELS, SIZE, images[1])
    assert torch.equal(condition.appearance, images[0])
    assert condition.maps.shape == (2, channels, *SIZE) == (2, conditioning.channels, *SIZE)
    drawn = {"heatmaps": [draw_heatmaps(pose, SIZE, 2.5) for pose in poses], "edges": [draw_edges(image) for image in images]}
    expected = [drawn[kind][which] for which in ((1, 0) if source else (1,)) for kind in maps]
    assert torch.equal(condition.maps, torch.cat(expected, dim=1))
    assert conditioning.overlap(conditioning.measure(poses[0], SIZE)).sum() == 0


def test_contours_need_the_picture() -> None:
    with pytest.raises(ValueError, match="expected the target's image"):
        encode_poses(FaceConditioning(config(maps=("edges",))), torch.zeros(2, 3, *SIZE), face(), NO_LABELS, face(), NO_LABELS, SIZE)
