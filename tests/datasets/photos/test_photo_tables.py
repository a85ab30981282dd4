"""Files beside photos that are damaged, or hold strange names and numbers: one line each, and what is written is read."""

import json
import os
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from pipeline.datasets.photos.annotations import (
    HEADER,
    add_annotations,
    check_points,
    read_all_annotations,
    read_annotations,
    read_list,
    read_pairs,
    write_annotations,
    write_list,
    write_pairs,
)
from pipeline.datasets.photos.hand_labels import HEADER as DEPTH_HEADER
from pipeline.datasets.photos.hand_labels import read_label_file, write_label_file
from pipeline.datasets.photos.poses import read_poses_3d, write_poses_3d
from pipeline.datasets.photos.tables import name_fault
from pipeline.pose.skeleton import LIMB_NAMES
from pipeline.utils.errors import UserError, printable

QUICK = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
POINTS = np.arange(36, dtype=np.float32).reshape(18, 2)
LIST = str(list(range(18)))
NAMES = st.text(min_size=1, max_size=30).filter(lambda name: name_fault(name) is None)
HEAD = ":".join(HEADER)


def refusal(read: Callable[[Path], object], path: Path) -> str | None:
    """The line with which a file is refused, None where it is read; any other error is a fault of ours."""
    try:
        read(path)
    except UserError as error:
        return str(error)
    return None


def is_line(text: str | None, path: Path) -> bool:
    """Whether it is nothing, or one short line about `path`."""
    return text is None or (text.startswith(str(path)) and len(text.splitlines()) == 1 and len(text) < len(str(path)) + 250)


@QUICK
@given(st.lists(NAMES, min_size=1, unique=True))
@example(["a:b.jpg", 'a"b".jpg', "a,b.jpg", "#.jpg", "[1]: [2].jpg", "Bild 1.05.png", "'", '"'])
def test_every_name_that_is_no_fault_comes_back_as_it_was_written(tmp_path: Path, names: list[str]) -> None:
    write_annotations(tmp_path / "a.csv", dict.fromkeys(names, POINTS))
    assert set(read_annotations(tmp_path / "a.csv").points) == set(names)
    labels = dict.fromkeys(names, (0, 1, -1, None, 0, 0, 0, 0))
    write_label_file(tmp_path / "d.csv", labels)
    assert read_label_file(tmp_path / "d.csv") == labels
    write_pairs(tmp_path / "p.csv", [(name, name) for name in names])
    assert read_pairs(tmp_path / "p.csv") == [(name, name) for name in names]
    write_list(tmp_path / "l.lst", names)
    assert read_list(tmp_path / "l.lst") == names


@pytest.mark.parametrize("name", ["a\nb.jpg", "a\rb.jpg", "a\u2028b.jpg", "a\x85b.jpg", " a.jpg", os.fsdecode(b"\xff.jpg"), "a\0.jpg"])
def test_a_name_that_no_row_can_hold_is_one_line(name: str) -> None:
    assert "rename it" in str(name_fault(name))
    text = printable(name)
    assert text.encode("utf-8")
    assert len(text.splitlines()) == 1


@QUICK
@given(st.binary(max_size=200), st.sampled_from([HEAD, ",".join(DEPTH_HEADER), "from,to", ""]), st.sampled_from(["", "a.jpg: ", "a.jpg,", '"']))
@example(b"[" * 200, HEAD, "a.jpg: ")
@example(b"\xff\xfea\0", "", "")
def test_any_bytes_are_read_or_refused_in_one_line(tmp_path: Path, content: bytes, header: str, start: str) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(header.encode() + b"\n" + start.encode() + content)
    for read in (read_annotations, read_label_file, read_pairs, read_list):
        assert is_line(refusal(read, path), path)


def annotation(tmp_path: Path, first: str, second: str = LIST, name: str = "a_1.jpg") -> Path:
    (tmp_path / "a.csv").write_text(f"{HEAD}\n{name}: {first}: {second}\n", encoding="utf-8")
    return tmp_path / "a.csv"


@pytest.mark.parametrize(
    "number", ["1" + "0" * 400, "1" + "0" * 5000, "1e400", "-1e999", "1e300", "Infinity", "NaN", "1000000", "true", '"1"', "null", "[]", "{}"]
)
def test_a_keypoint_that_is_no_number_in_range_is_refused_by_name(tmp_path: Path, number: str) -> None:
    with pytest.raises(UserError, match=r"a\.csv, line 2, a_1\.jpg: expected ") as refused:
        read_annotations(annotation(tmp_path, LIST, f"[{number}{', 0' * 17}]"))
    assert len(str(refused.value)) < len(str(tmp_path)) + 250


@pytest.mark.parametrize("cell", ["[" * 100_000, "{" * 3000, json.dumps([0] * 70_000), "x" * 200_000])
def test_cells_that_are_deep_or_long_are_refused_in_one_short_line(tmp_path: Path, cell: str) -> None:
    said = refusal(read_annotations, annotation(tmp_path, cell))
    assert said is not None
    assert is_line(said, tmp_path / "a.csv")
    assert re.search("line 2, a_1.jpg: expected a (JSON )?list of 18 numbers", said)
    (tmp_path / "d.csv").write_text(",".join(DEPTH_HEADER) + f"\n{cell}{',0' * len(LIMB_NAMES)}\n", encoding="utf-8")
    assert is_line(refusal(read_label_file, tmp_path / "d.csv"), tmp_path / "d.csv")


def test_bytes_that_are_0_are_no_text(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(HEAD.encode("utf-16-le"))
    for read in (read_annotations, read_label_file, read_pairs, read_list):
        with pytest.raises(UserError, match="expected text in UTF-8, found bytes that are 0"):
            read(tmp_path / "a.csv")


def test_what_is_no_file_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.csv")
    for path in (tmp_path, tmp_path / "pipe.csv"):
        for read in (read_annotations, read_label_file, read_pairs, read_list):
            with pytest.raises(UserError, match="found a folder or a device"):
                read(path)


def test_added_keypoints_leave_every_line_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    none = str([-1] * 18)
    text = f"{HEAD}\r\nb_1.jpg:{[0.25] * 18}:{LIST}\r\nempty_1.jpg: {none}: {none}"  # by hand: fractions, no last line end
    path.write_bytes(text.encode())
    added = add_annotations(path, {"a_1.jpg": POINTS, "b_1.jpg": POINTS, "empty_1.jpg": POINTS})
    assert added == ["a_1.jpg"]
    assert path.read_bytes().startswith(text.encode())
    found = read_annotations(path)
    assert (list(found.points), found.empty) == (["b_1.jpg", "a_1.jpg"], ("empty_1.jpg",))
    np.testing.assert_array_equal(found.points["b_1.jpg"][:, 1], 0.25)
    np.testing.assert_array_equal(found.points["a_1.jpg"], POINTS)
    before = path.read_bytes()
    assert add_annotations(path, {"a_1.jpg": POINTS + 1}) == []
    assert path.read_bytes() == before
    (tmp_path / "other.csv").write_text("precious", encoding="utf-8")
    with pytest.raises(UserError, match="expected the header"):
        add_annotations(tmp_path / "other.csv", {"a_1.jpg": POINTS})
    assert (tmp_path / "other.csv").read_text(encoding="utf-8") == "precious"


def test_a_picture_in_two_files_of_keypoints_is_refused(tmp_path: Path) -> None:
    for name in ("a.csv", "b.csv"):
        write_annotations(tmp_path / name, {"x_1.jpg": POINTS})
    with pytest.raises(UserError, match=r"b\.csv: x_1\.jpg stands in another file of keypoints, too"):
        read_all_annotations([tmp_path / "a.csv", tmp_path / "b.csv"])


@pytest.mark.parametrize(("place", "found"), [((500, 5), r"\(500, 5\)"), ((5, -200), r"\(5, -200\)"), ((110, 5), None), ((np.nan, np.nan), None)])
def test_keypoints_far_outside_their_picture_are_refused(place: tuple[float, float], found: str | None) -> None:
    points = np.full((18, 2), 40, np.float32)
    check_points(points, (100, 50), Path("a.jpg"))
    points[3] = place
    if found is None:
        check_points(points, (100, 50), Path("a.jpg"))
        return
    with pytest.raises(UserError, match=f"a.jpg: expected keypoints in px of this picture, 100 x 50, found {found}"):
        check_points(points, (100, 50), Path("a.jpg"))


def test_keypoints_that_are_not_finite_are_not_written(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"x_1\.jpg: expected keypoints to be finite"):
        write_annotations(tmp_path / "a.csv", {"x_1.jpg": np.full((18, 2), np.inf)})
    assert not (tmp_path / "a.csv").exists()


@QUICK
@given(st.integers(0, 1500), st.binary(min_size=1, max_size=8), st.booleans())
def test_damaged_3d_poses_are_read_or_refused_in_one_line(tmp_path: Path, place: int, noise: bytes, cut: bool) -> None:
    path = tmp_path / "pose_3d.npz"
    write_poses_3d(path, {"a_1.jpg": np.ones((17, 3)), "b_1.jpg": np.ones((17, 3))})
    content = path.read_bytes()
    place %= len(content)
    path.write_bytes(content[:place] if cut else content[:place] + noise + content[place + len(noise) :])
    said = refusal(read_poses_3d, path)
    assert is_line(said, path)
    assert said is not None or all(np.isfinite(pose).all() for pose in read_poses_3d(path).values())


@pytest.mark.parametrize(
    ("name", "pose_3d", "message"),
    [
        (np.array(["a"]), np.full((1, 17, 3), np.inf), "expected pose_3d, mm, to be finite"),
        (np.array(["a"]), np.full((1, 17, 3), 1e9), "within ±1e"),
        (np.array(["a"]), np.full((1, 17, 3), "far"), "numbers, found"),
        (np.array([1]), np.zeros((1, 17, 3)), "text, "),
        (np.array(["a", "a"]), np.zeros((2, 17, 3)), "each picture once"),
        (np.array("a"), np.zeros((1, 17, 3)), "expected `name`"),
    ],
)
def test_3d_poses_that_are_none_are_refused(tmp_path: Path, name: np.ndarray, pose_3d: np.ndarray, message: str) -> None:
    np.savez(tmp_path / "p.npz", name=name, pose_3d=pose_3d)
    with pytest.raises(UserError, match=message):
        read_poses_3d(tmp_path / "p.npz")
    np.save(tmp_path / "p.npy", np.zeros(3))
    with pytest.raises(UserError, match=r"expected `name` and `pose_3d`"):
        read_poses_3d(tmp_path / "p.npy")
