"""The background of the source, brought into the target's crop."""

import numpy as np
import pytest
import torch

from pipeline.pose.background import bring_source, lay_over, place_of, same_place
from pipeline.pose.crop import crop_image, to_crop
from pipeline.utils.tensors import as_rows, to_image, to_uint8

SIZE = (32, 16)
PICTURE = (200, 160)  # height and width
SOURCE = np.array([[20.0, 30.0, 70.0, 130.0], [40.0, 10.0, 120.0, 170.0]])
TARGET = np.array([[30.0, 40.0, 70.0, 120.0], [20.0, 30.0, 100.0, 190.0]])


@pytest.mark.parametrize("mirrored", [False, True])
def test_a_point_of_the_picture_lies_where_both_crops_show_it(mirrored: bool) -> None:
    points = np.random.default_rng(0).uniform(30, 100, (2, 9, 2))
    there, here = (to_crop(points, box, SIZE) for box in (SOURCE, TARGET))
    if mirrored:
        there, here = (np.stack([SIZE[1] - 1 - crop[..., 0], crop[..., 1]], axis=-1) for crop in (there, here))
    place = place_of(SOURCE, TARGET, SIZE[1], np.full(2, mirrored))
    np.testing.assert_allclose(place[:, None, :1] * here + place[:, None, 1:], there, atol=1e-4)


def test_the_sources_crop_shows_in_the_targets_what_the_picture_has_there() -> None:
    rows, columns = np.indices(PICTURE)
    picture = np.stack([rows, columns, 255 - rows], axis=2).astype(np.uint8)
    source, target = (np.array([crop_image(picture, box, PICTURE[::-1], SIZE) for box in boxes]) for boxes in (SOURCE, TARGET))
    body = torch.zeros(2, 1, *SIZE)
    body[:, :, 10:20, 5:9] = 1
    brought = bring_source(to_image(source), body, torch.from_numpy(place_of(SOURCE, TARGET, SIZE[1], np.zeros(2, bool))))
    known = brought[:, 3].bool().numpy()
    assert 0.4 < known.mean() < 0.9
    assert np.abs(as_rows(to_uint8(brought[:, :3])).astype(int) - target)[known].max() <= 2
    assert not brought[~torch.from_numpy(known)[:, None].expand_as(brought)].any()


def test_what_stands_where_it_stood_is_the_source_without_its_body() -> None:
    image = torch.rand(3, 3, *SIZE) * 2 - 1
    body = (torch.rand(3, 1, *SIZE) > 0.5).float()
    brought = bring_source(image, body, same_place(3).place)
    torch.testing.assert_close(brought, torch.cat([image * (1 - body), 1 - body], dim=1), atol=1e-5, rtol=0)


def test_nothing_is_known_of_another_cameras_background() -> None:
    place = torch.tensor([[1.0, 0, 0], [torch.nan] * 3])
    brought = bring_source(torch.rand(2, 3, *SIZE), torch.zeros(2, 1, *SIZE), place)
    assert brought[0, 3].all()
    assert not brought[1].any()


def test_what_a_plate_does_not_know_the_source_may() -> None:
    plate, source = torch.rand(2, 1, 4, *SIZE)
    plate[:, 3], source[:, 3] = torch.rand(SIZE) > 0.5, 1
    laid = lay_over(plate * plate[:, 3:], source)
    assert torch.equal(laid, torch.where(plate[:, 3:] > 0, plate, source))
