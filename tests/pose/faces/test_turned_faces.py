"""The source turned as a head turns: where the head stands, what is seen of it again, on its other side, and around it."""

import numpy as np
import pytest
import torch
from torch import Tensor

from pipeline.datasets.fei.synthetic.head import build_mesh, landmarks
from pipeline.datasets.fei.synthetic.invent import invent_face
from pipeline.datasets.fei.synthetic.render import HeadPose, project, render
from pipeline.pose.faces.head import Head, nearest_rotation, place, surface
from pipeline.pose.faces.raster import NOTHING, draw
from pipeline.pose.faces.warp import CHANNELS, turn_source
from pipeline.pose.skeleton import IBUG_68

SIZE = (64, 80)
FACE = invent_face(np.random.default_rng(3))
MESH = build_mesh(FACE)


def view(yaw: float) -> HeadPose:
    return HeadPose(yaw, 0.05, -0.03, (3.0, -2.0), 1.0)


def points(*yaws: float) -> Tensor:
    """(B, 68, 2) px of an invented person."""
    return torch.from_numpy(np.stack([project(view(yaw).to_camera(landmarks(FACE)), SIZE) for yaw in yaws]).astype(np.float32))


def pictures(*yaws: float) -> Tensor:
    """(B, 3, H, W) in [-1, 1]."""
    shown = np.stack([render(MESH, FACE, view(yaw), SIZE) for yaw in yaws])
    return torch.from_numpy(shown).permute(0, 3, 1, 2).float() / 127.5 - 1


def layers(turned: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Of the places that are seen, of those that mirror them, and of what stands around."""
    assert turned.shape[1:] == (CHANNELS, *SIZE)
    first, second, around = turned.split(4, dim=1)
    return first, second, around


def mirror(landmark: Tensor) -> Tensor:
    flipped = landmark[:, list(IBUG_68.flip)].clone()
    flipped[..., 0] = SIZE[1] - 1 - flipped[..., 0]
    return flipped


def test_the_average_head_is_a_closed_surface_that_is_its_own_mirror_image() -> None:
    head = surface()
    mirrored = head.point * torch.tensor([-1.0, 1.0, 1.0])
    assert torch.allclose(head.point[head.flip], mirrored, atol=1e-3)
    assert torch.allclose(head.landmark[list(IBUG_68.flip)], head.landmark * torch.tensor([-1.0, 1.0, 1.0]))
    assert (head.point.amax(dim=0) - head.point.amin(dim=0))[0] > 300  # the shoulders, mm


@pytest.mark.parametrize(("yaw", "pitch", "roll"), [(0.0, 0.0, 0.0), (0.8, 0.1, -0.1), (-1.5, -0.2, 0.05)])
def test_the_average_head_is_found_where_it_was_put(yaw: float, pitch: float, roll: float) -> None:
    rotation = torch.from_numpy(HeadPose(yaw, pitch, roll, (0.0, 0.0), 1.0).rotation)
    found, scale = nearest_rotation(0.2 * rotation[None, :2])
    assert torch.allclose(found[0], rotation, atol=1e-9)
    assert scale.item() == pytest.approx(0.2)
    seen = 0.2 * surface().landmark.double() @ rotation[:2].T + torch.tensor([40.0, 28.0])
    head = place(seen[None].float(), SIZE)
    expected = 0.2 * surface().point.double() @ rotation[:2].T + torch.tensor([40.0, 28.0])
    assert torch.allclose(head.pixel[0].double(), expected, atol=0.01)


def test_only_what_faces_the_viewer_and_lies_in_front_is_drawn() -> None:
    corner = torch.tensor([[[2.0, 2.0], [12.0, 2.0], [2.0, 12.0]]])
    clockwise, other = np.array([[0, 1, 2]], np.int32), np.array([[0, 2, 1]], np.int32)
    drawn = draw(corner, torch.zeros(1, 3), clockwise, (16, 16))
    rows, columns = np.mgrid[:16, :16]
    np.testing.assert_array_equal(drawn.triangle[0].numpy() == 0, (rows >= 2) & (columns >= 2) & (rows + columns <= 14))
    assert draw(corner, torch.zeros(1, 3), other, (16, 16)).triangle.eq(NOTHING).all()
    both = draw(corner.repeat(1, 2, 1), torch.tensor([[5.0, 5, 5, 4, 4, 4]]), np.concatenate([clockwise, clockwise + 3]), (16, 16))
    assert both.triangle[0, 4, 4] == 1
    values = torch.stack([corner[0, :, 0], corner[0, :, 1]], dim=1)[None].float()
    there = drawn.interpolate(values, torch.from_numpy(clockwise).long())
    assert torch.allclose(there[0, 5, 4], torch.tensor([4.0, 5.0]), atol=1e-4)


def test_a_head_that_does_not_turn_is_copied() -> None:
    image, landmark = pictures(0.4), points(0.4)
    first, _, around = layers(turn_source(image, place(landmark, SIZE), place(landmark, SIZE)))
    assert first[:, 3].gt(0).float().mean() > 0.2
    for layer in (first, around):
        there = (layer[:, 3:] > 0).expand(-1, 3, -1, -1)
        assert torch.allclose(layer[:, :3][there], image[there], atol=1e-3)
    assert ((first[:, 3] > 0) | (around[:, 3] > 0)).float().mean() > 0.98
    assert ((around[:, 3] == 1) & (first[:, 3] > 0)).sum() == 0


def test_a_head_that_turns_is_shown_as_it_then_looks() -> None:
    """Nearer to the truth than the source is, where it is known; of the far side nothing is, but of its mirror image."""
    image, truth = pictures(-1.2), pictures(-0.5)
    first, _, _ = layers(turn_source(image, place(points(-1.2), SIZE), place(points(-0.5), SIZE)))
    there = (first[:, 3:] > 0.5).expand(-1, 3, -1, -1)
    assert there.float().mean() > 0.1
    assert (first[:, :3] - truth)[there].abs().mean() < 0.6 * (image - truth)[there].abs().mean()
    first, second, _ = layers(turn_source(image, place(points(-1.2), SIZE), place(points(1.2), SIZE)))
    assert first[:, 3].gt(0.5).float().mean() < 0.05
    there = (second[:, 3:] > 0.5).expand(-1, 3, -1, -1)
    assert there.float().mean() > 0.1
    assert (second[:, :3] - pictures(1.2))[there].abs().mean() < 0.4 * (image - pictures(1.2))[there].abs().mean()


def test_the_other_side_is_what_the_mirrored_picture_shows_directly() -> None:
    image, target = pictures(-0.9), place(points(0.7), SIZE)
    _, second, _ = layers(turn_source(image, place(points(-0.9), SIZE), target))
    first, _, _ = layers(turn_source(image.flip(-1), place(mirror(points(-0.9)), SIZE), target))
    same = (second - first).abs().amax(dim=1) < 0.02
    assert same.float().mean() > 0.97
    assert second[:, 3].gt(0.5).float().mean() > 0.1


def test_missing_landmarks_say_nothing() -> None:
    image, whole = pictures(0.2), points(0.2)
    some = whole.clone()
    some[:, ::3] = torch.nan
    few = torch.full_like(whole, torch.nan)
    few[:, :5] = whole[:, :5]
    folded = torch.full_like(whole, 30.0)
    assert torch.allclose(place(some, SIZE).pixel, place(whole, SIZE).pixel, atol=2.0)
    for landmark in (few, torch.full_like(whole, torch.nan), folded):
        head: Head = place(landmark, SIZE)
        assert head.pixel.isfinite().all()
        turned = layers(turn_source(image, head, place(whole, SIZE)))
        assert turned[0][:, 3].sum() == turned[1][:, 3].sum() == 0
        assert all(layer.isfinite().all() for layer in turned)
