"""A person painted in a motion: each frame as if it were alone, and no more of them in memory than a batch."""

import tracemalloc
from dataclasses import replace
from fractions import Fraction
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
from example_pose import EXAMPLES

from pipeline.datasets.human36m.encode import write_video
from pipeline.inference.generator import Generator
from pipeline.inference.transfer import make_portrait, transfer
from pipeline.motion.animate import BATCH, Animation, make_animation
from pipeline.motion.motion import Film, Motion
from pipeline.pose.crop import crop_box, to_crop
from pipeline.pose.pose_file import LabelledPose, read_pose
from pipeline.utils.pictures import read_picture

MARGIN, SIZE = 0.15, (64, 32)
IMAGE, SOURCE, TARGET = read_picture(EXAMPLES / "person.png"), read_pose(EXAMPLES / "person.json"), read_pose(EXAMPLES / "pose.json")


def make_motion(frames: int, film: Film | None = None) -> Motion:
    """An arm that goes down, and changes its label on the way."""
    pose_2d = np.repeat(TARGET.pose_2d[None], frames, axis=0).astype(np.float32)
    pose_2d[:, 13, 1] += np.linspace(0, 40, frames)
    label = np.repeat(TARGET.label[None], frames, axis=0)
    label[frames // 2 :, 5] = -1
    return Motion(pose_2d, label, Fraction(25), film)


@pytest.fixture(scope="module")
def animation(small_generator: Generator) -> Animation:
    return make_animation(small_generator, IMAGE, SOURCE, make_motion(BATCH + 5), MARGIN, steady=False)


def test_frames_are_those_that_are_painted_one_by_one(animation: Animation, small_generator: Generator) -> None:
    frames, motion = list(animation.frames()), animation.motion
    assert len(frames) == len(motion)
    alone = make_portrait(small_generator, IMAGE, SOURCE, MARGIN)
    for number in (0, 3, BATCH - 1, BATCH, BATCH + 4):
        placed = to_crop(motion.pose_2d[number][None], animation.boxes[number][None], SIZE)
        painted = alone.paint(placed, motion.label[number][None])[0]
        np.testing.assert_allclose(frames[number].astype(int), painted, atol=1)
    assert not np.array_equal(frames[0], frames[-1])


def test_a_frame_that_is_asked_for_alone_is_the_same(animation: Animation, small_generator: Generator) -> None:
    one = make_animation(small_generator, IMAGE, SOURCE, animation.motion, MARGIN, steady=False, batch_size=1)
    for number, frame in enumerate(islice(animation.frames(), 3)):
        assert (np.abs(one.frame(number).astype(int) - frame) <= 1).mean() > 0.99


def test_steady_frames_are_as_many_and_nearly_the_same(animation: Animation) -> None:
    plain, steady = (np.stack(list(one.frames())).astype(int) for one in (animation, replace(animation, steady=True)))
    assert plain.shape == steady.shape
    assert 0 < np.abs(plain - steady).mean() < 10


def test_one_pose_in_its_own_box_is_what_transfer_paints(small_generator: Generator) -> None:
    portrait = make_portrait(small_generator, IMAGE, SOURCE, MARGIN)
    box = crop_box(TARGET.known[None], SIZE, MARGIN)
    painted = portrait.paint(to_crop(TARGET.pose_2d[None], box, SIZE), TARGET.label[None])[0]
    assert np.array_equal(painted, transfer(small_generator, IMAGE, SOURCE, TARGET, MARGIN))


def test_beside_it_stand_source_skeleton_and_truth(small_generator: Generator, tmp_path: Path) -> None:
    motion = make_motion(4)
    side, grounds = 256, (0, 60, 120, 180, 240)
    write_video(tmp_path / "film.mp4", (np.full((side, side, 3), grey, np.uint8) for grey in grounds), 25, 10)
    film = Film(tmp_path / "film.mp4", range(1, 5), (side, side))
    without = list(make_animation(small_generator, IMAGE, SOURCE, motion, MARGIN).frames_beside())
    known = list(make_animation(small_generator, IMAGE, SOURCE, make_motion(4, film), MARGIN).frames_beside())
    assert len(without) == len(known) == 4
    for number, (two, three) in enumerate(zip(without, known, strict=True)):
        assert two.shape == (256, 3 * 128, 3)
        assert three.shape == (256, 4 * 128, 3)
        assert np.array_equal(three[:, : 3 * 128], two)
        np.testing.assert_allclose(three[:, 3 * 128 :].mean(), grounds[number + 1], atol=3)
        assert (two[:, 128:256] == 255).mean() > 0.5  # the skeleton, on white
    assert np.array_equal(known[0][:, :128], known[3][:, :128])


def test_beside_a_person_of_own_proportions_stand_both_skeletons(small_generator: Generator) -> None:
    """The motion's as it was, cut as it was, and the kept one, from which alone the person is painted."""
    motion = make_motion(3)
    plain, kept = (make_animation(small_generator, IMAGE, SOURCE, motion, MARGIN, keep=keep) for keep in (False, True))
    assert plain.plain is None
    assert plain.motion is motion
    three, four = list(plain.frames_beside())[1], list(kept.frames_beside())[1]
    assert three.shape == (256, 3 * 128, 3)
    assert four.shape == (256, 4 * 128, 3)
    assert np.array_equal(four[:, : 2 * 128], three[:, : 2 * 128])
    assert not np.array_equal(four[:, 2 * 128 : 3 * 128], three[:, 128 : 2 * 128])
    again = make_animation(small_generator, IMAGE, SOURCE, kept.motion, MARGIN)
    assert all(np.array_equal(*frames) for frames in zip(kept.frames(), again.frames(), strict=True))


def test_a_part_has_the_pictures_of_its_poses() -> None:
    film = Film(Path("film.mp4"), range(10, 60), (64, 64))
    part = make_motion(50, film).part(0.4, 1.2, "a motion")
    assert len(part) == 20
    assert part.film is not None
    assert part.film.frames == range(20, 40)
    assert np.array_equal(part.pose_2d, make_motion(50).pose_2d[10:30])


def test_a_hundred_thousand_frames_are_painted_as_they_are_asked_for(small_generator: Generator) -> None:
    """The poses and their boxes are in memory, a few hundred bytes each, and a batch of images; painted they would be 600 MB."""
    count = 100_000
    pose_2d = np.broadcast_to(TARGET.pose_2d.astype(np.float32), (count, 17, 2))
    motion = Motion(pose_2d, np.broadcast_to(TARGET.label, (count, 8)), Fraction(25))
    frames = make_animation(small_generator, IMAGE, SOURCE, motion, MARGIN, steady=False).frames()
    next(frames)
    tracemalloc.start()
    assert sum(frame.shape == (*SIZE, 3) for frame in islice(frames, 10 * BATCH)) == 10 * BATCH
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 2**20


def test_joints_that_are_not_known_are_left_out(small_generator: Generator) -> None:
    motion = make_motion(3)
    motion.pose_2d[1, [3, 6, 16]] = np.nan
    assert len(list(make_animation(small_generator, IMAGE, SOURCE, motion, MARGIN).frames_beside())) == 3


def test_a_model_of_photos_paints_the_whole_photo(small_generator: Generator) -> None:
    source = LabelledPose(SOURCE.pose_2d, SOURCE.label)
    frames = list(make_animation(small_generator, IMAGE, source, make_motion(2), None).frames())
    assert [frame.shape for frame in frames] == [(*SIZE, 3)] * 2
