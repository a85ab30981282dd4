"""The field's files about photos, and depth labels: what is written is read, what is damaged is named with its line."""

from pathlib import Path

import numpy as np
import pytest

from pipeline.datasets.photos.annotations import identity, read_annotations, read_list, read_pairs, write_annotations, write_list, write_pairs
from pipeline.datasets.photos.hand_labels import FILE_NAME, HEADER, merge_labels, read_label_file, write_label_file
from pipeline.pose.labels import UNLABELLED
from pipeline.pose.skeleton import LIMB_NAMES
from pipeline.utils.errors import UserError

LIST = "[24, 49, 49, 80, 100, 49, 80, 100, 120, 160, 200, 120, 160, 200, 20, 20, 22, 22]"
NAME = "fasionWOMENDressesid0000553705_4full.jpg"
N_LIMBS = len(LIMB_NAMES)
ZEROS, CELLS = (0,) * N_LIMBS, ",0" * N_LIMBS


def write(path: Path, *lines: str) -> Path:
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def test_keypoints_are_read_y_first_and_missing_ones_are_nan(tmp_path: Path) -> None:
    y = [-1, *range(1, 18)]
    x = [-1, *range(101, 118)]
    found = read_annotations(write(tmp_path / "a.csv", "name:keypoints_y:keypoints_x", f"{NAME}: {y}: {x}"))
    assert np.isnan(found.points[NAME][0]).all()
    np.testing.assert_array_equal(found.points[NAME][1:], np.stack([x[1:], y[1:]], axis=1))
    assert (found.empty, found.damaged) == ((), ())


def test_written_keypoints_are_read_again(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    points = {f"p{i}_1.png": rng.integers(0, 256, (18, 2)).astype(np.float32) for i in range(3)}
    points["p1_1.png"][4] = np.nan
    write_annotations(tmp_path / "a.csv", points)
    found = read_annotations(tmp_path / "a.csv").points
    assert list(found) == sorted(points)
    for name, expected in points.items():
        np.testing.assert_array_equal(found[name], expected)


def test_empty_and_damaged_rows_are_set_aside_by_name(tmp_path: Path) -> None:
    none = str([-1] * 18)
    numpy_2 = "[" + ", ".join(f"np.int64({value})" for value in range(18)) + "]"
    path = write(
        tmp_path / "a.csv", "name:keypoints_y:keypoints_x", f"a_1.jpg: {none}: {none}", f"b_1.jpg: {numpy_2}: {numpy_2}", f"c_1.jpg: {LIST}: {LIST}"
    )
    found = read_annotations(path)
    assert (tuple(found.points), found.empty, found.damaged) == (("c_1.jpg",), ("a_1.jpg",), ("b_1.jpg",))


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (f"{NAME}: {LIST}", r"line 2: expected 3 columns between `:`, found 2"),
        (f"{NAME}: [1, 2]: {LIST}", rf"line 2, {NAME}: expected a list of 18 numbers, found 2 entries"),
        (f"{NAME}: [1, 2: {LIST}", rf"line 2, {NAME}: expected a JSON list of 18 numbers, found \[1, 2"),
        (f"{NAME}: {LIST}: {LIST}\n{NAME}: {LIST}: {LIST}", r"line 3, .*stands twice"),
    ],
)
def test_a_wrong_row_is_named_with_its_line(tmp_path: Path, row: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        read_annotations(write(tmp_path / "a.csv", "name:keypoints_y:keypoints_x", row))


def test_another_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"expected the header name:keypoints_y:keypoints_x, found from,to"):
        read_annotations(write(tmp_path / "a.csv", "from,to"))
    with pytest.raises(UserError, match=r"not found; expected a text file"):
        read_annotations(tmp_path / "none.csv")
    (tmp_path / "b.csv").write_bytes(b"\xff\xfe\x00\x01")
    with pytest.raises(UserError, match=r"expected text in UTF-8"):
        read_label_file(tmp_path / "b.csv")


def test_pairs_are_of_one_person(tmp_path: Path) -> None:
    write_pairs(tmp_path / "p.csv", [("a_1.jpg", "a_2.jpg"), ("b_1.jpg", "b_7.jpg")])
    assert read_pairs(tmp_path / "p.csv") == [("a_1.jpg", "a_2.jpg"), ("b_1.jpg", "b_7.jpg")]
    with pytest.raises(UserError, match=r"line 2: expected two pictures of one person, found a and b"):
        read_pairs(write(tmp_path / "q.csv", "from,to", "a_1.jpg,b_1.jpg"))
    assert identity(NAME) == "fasionWOMENDressesid0000553705"


def test_lists_of_names(tmp_path: Path) -> None:
    write_list(tmp_path / "l.lst", ["a_1.jpg", "b_1.jpg"])
    assert read_list(tmp_path / "l.lst") == ["a_1.jpg", "b_1.jpg"]


def test_labels_are_read_as_written_and_unknown_pictures_have_no_row(tmp_path: Path) -> None:
    labels = {"b_1.jpg": (0, -1, 1, None, *ZEROS[6:], 1, -1), "a_1.jpg": (1,) * N_LIMBS, "c_1.jpg": UNLABELLED}
    write_label_file(tmp_path / FILE_NAME, labels)
    found = read_label_file(tmp_path / FILE_NAME)
    assert found == {name: labels[name] for name in ("a_1.jpg", "b_1.jpg")}
    assert list(found) == ["a_1.jpg", "b_1.jpg"]


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (f"a.jpg{CELLS},0", rf"line 2: expected a name and {N_LIMBS} labels, found {N_LIMBS + 1} labels"),
        (f"a.jpg,0,0,2{CELLS[6:]}", r"line 2, left_thigh: expected -1, 0, 1 or nothing, found 2"),
        (f"a.jpg{CELLS}\na.jpg{CELLS}", r"line 3: a\.jpg stands twice"),
    ],
)
def test_a_wrong_label_is_named_with_its_line(tmp_path: Path, row: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        read_label_file(write(tmp_path / FILE_NAME, ",".join(HEADER), row))


def test_two_peoples_labels_come_together_and_disagreement_is_listed() -> None:
    first = {"a": (1, None, *ZEROS[2:]), "b": ZEROS}
    second = {"a": (1, -1, 1, *ZEROS[4:], None), "c": (1,) * N_LIMBS}
    merged, faults = merge_labels(first, second)
    assert merged == {"a": (1, -1, None, *ZEROS[3:]), "b": ZEROS, "c": (1,) * N_LIMBS}
    assert [str(fault) for fault in faults] == ["a, left_thigh: in the plane in the first, in front in the second"]
