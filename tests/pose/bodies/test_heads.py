"""Heads seen larger: the square lies on the head, both heads are upright alike, and it is said which way they look."""

import math

import torch
from figures import MISSING, make_label, make_pose, random_bodies
from standing import SIZE
from torch import Tensor

from pipeline.pose.bodies.body import measure
from pipeline.pose.bodies.heads import LEAST, OUTSIDE, TOLD, find_heads, see_heads, squares
from pipeline.pose.bodies.parts import face_area, front_parts
from pipeline.pose.bodies.warp import Source, facing_of
from pipeline.pose.conditioning import FINE, CloseUp, close_up_side
from pipeline.pose.skeleton import H36M_17


def turned(pose: Tensor, degrees: float) -> Tensor:
    """The pose, turned in the image around its middle."""
    angle, middle = math.radians(degrees), torch.tensor([SIZE[1] / 2, SIZE[0] / 2])
    rotation = torch.tensor([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    return (pose - middle) @ rotation.T + middle


def close_up(image: Tensor, source: Tensor, target: Tensor) -> CloseUp:
    one, other = measure(source, SIZE), measure(target, SIZE)
    seen = Source(image, one, front_parts(one, make_label()))
    return see_heads([seen], [find_heads(one, None)], find_heads(other, None))


def test_the_square_holds_the_head_and_little_else() -> None:
    body = measure(random_bodies(20)[0], SIZE)
    rows, columns = torch.meshgrid(torch.arange(float(SIZE[0])), torch.arange(float(SIZE[1])), indexing="ij")
    square = squares(body)
    away = torch.maximum((columns - square[:, :1, None]).abs(), (rows - square[:, 1:2, None]).abs())
    inside = (away <= square[:, 2:, None]).float()
    head = face_area(body)
    seen = head.sum((1, 2)) > 30
    assert seen.sum() > 10
    assert ((head * inside).sum((1, 2)) / head.sum((1, 2)))[seen].min() > 0.75
    assert (head.sum((1, 2)) / (2 * square[:, 2]) ** 2)[seen].min() > 0.3


def test_the_square_has_a_least_size() -> None:
    assert squares(measure(make_pose() * 1e-3, SIZE))[0, 2] == LEAST


def test_a_head_that_nobody_knows_has_no_square_and_is_pasted_nowhere() -> None:
    missing = measure(make_pose(head=MISSING), SIZE)
    assert squares(missing).isnan().all()
    seen = close_up(torch.rand(1, 3, *SIZE), make_pose(), make_pose(head=MISSING))
    assert seen.place[0, 0] == OUTSIDE * FINE
    assert all(values.float().isfinite().all() for values in seen)
    assert all(values.float().isfinite().all() for values in close_up(torch.rand(1, 3, *SIZE), make_pose(head=MISSING), make_pose()))


def test_what_is_told_has_its_size_and_places_are_whole_numbers() -> None:
    seen = close_up(torch.rand(1, 3, *SIZE), make_pose(), make_pose())
    assert seen.told.shape == (1, TOLD)
    side = close_up_side(SIZE[0])
    assert seen.source.shape == (1, 3, side, side)
    assert seen.place.dtype == torch.int32
    torch.testing.assert_close(seen.place / FINE, squares(measure(make_pose(), SIZE)), atol=0.5 / FINE, rtol=0)


def test_the_source_head_is_as_upright_as_the_targets() -> None:
    """A person who leans, seen beside one who stands: what is cut out is the same."""
    rows, columns = torch.meshgrid(torch.arange(float(SIZE[0])), torch.arange(float(SIZE[1])), indexing="ij")
    grid = torch.stack([columns, rows], dim=-1)
    pose = make_pose()

    def waves(places: Tensor) -> Tensor:
        return torch.stack([torch.sin(places[..., 0] / 3), torch.cos(places[..., 1] / 4), torch.sin(places.sum(-1) / 5)])[None]

    upright = close_up(waves(grid), pose, pose).source
    for degrees in (25.0, -20.0):
        leaning = close_up(waves(turned(grid.view(1, -1, 2), -degrees).view(*SIZE, 2)), turned(pose, degrees), pose).source
        middle = slice(2, -2)
        torch.testing.assert_close(leaning[..., middle, middle], upright[..., middle, middle], atol=0.1, rtol=0)


def test_it_is_told_which_way_a_head_looks() -> None:
    """The nose to the right of the head's axis, or nearer to the camera than it; mirrored it is the other way round."""
    right, left = (find_heads(measure(make_pose(nose=(32 + shift, 24)), SIZE), None).told for shift in (3, -3))
    assert right[0, 2] > 0.1 > -0.1 > left[0, 2]
    for away in (-80.0, 80.0):
        depth = torch.zeros(1, 17)
        depth[0, 9] = away
        assert find_heads(measure(make_pose(), SIZE), depth).told[0, 3] == away / 100
    body = measure(make_pose(), SIZE)
    torch.testing.assert_close(find_heads(body, None).told[:, :2], facing_of(body))


def test_of_several_sources_the_head_comes_from_the_one_that_faces_alike() -> None:
    front, back = make_pose(), make_pose()[:, list(H36M_17.flip)]
    poses, images = (front, back), [torch.zeros(1, 3, *SIZE), torch.ones(1, 3, *SIZE)]
    bodies = [measure(pose, SIZE) for pose in poses]
    sources = [Source(image, body, front_parts(body, make_label()), facing_of(body)) for image, body in zip(images, bodies, strict=True)]
    heads = [find_heads(body, None) for body in bodies]
    for number in range(2):
        seen = see_heads(sources, heads, heads[number], facing_of(bodies[number]))
        torch.testing.assert_close(seen.source, torch.full_like(seen.source, number))
        torch.testing.assert_close(seen.told[:, 4:], heads[number].told)
