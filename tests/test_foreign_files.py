"""Files that other people make hold anything: each is read, or refused in words; nothing else ever comes out."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.sax.saxutils import quoteattr

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.datasets.coco import read_people
from pipeline.datasets.fei.landmarks import CSV_NAME, HEADER, XML_NAME, read_csv, read_pts, read_xml
from pipeline.evaluation.label_sweep import HAND_COLUMNS, Known, read_hand_labels
from pipeline.pose.joint_sets import COCO_17
from pipeline.pose.pose_file import read_pose
from pipeline.pose.skeleton import H36M_17, LIMB_NAMES
from pipeline.utils.errors import MachineError, UserError, shown
from pipeline.utils.files import read_json
from pipeline.utils.numbers import MOST_PX

QUICK = settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])

TEXT = st.text(max_size=8) | st.sampled_from(["", "..", "/", "a\0b", "\ud800", "nan", "1e999", "9" * 400, "left_calf", "1.jpg"])
NUMBER = st.sampled_from([0, 1, -1, 2, True, False, -0.0, 1e30, 10**400, float("nan"), float("inf"), 2**53 + 1]) | st.floats() | st.integers()
JUNK = st.recursive(st.none() | NUMBER | TEXT, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4), max_leaves=8)


def put(value: Any, path: tuple[Any, ...], junk: Any) -> Any:
    """A copy of the value with something else at one place; the place is found by counting round."""
    if not path or not isinstance(value, dict | list) or not value:
        return junk
    keys = list(value) if isinstance(value, dict) else list(range(len(value)))
    key = keys[path[0] % len(keys)]
    changed = put(value[key], path[1:], junk)
    if isinstance(value, dict):
        return {**value, key: changed}
    return [*value[:key], changed, *value[key + 1 :]]


PLACE = st.lists(st.integers(0, 60), max_size=6).map(tuple)


def answer(read: Callable[[], Any]) -> Any:
    """What was read, or None where it was refused, in short lines that can be printed, without blaming the machine."""
    try:
        return read()
    except UserError as error:
        refused = error
    assert not isinstance(refused, MachineError)
    for line in str(refused).splitlines():
        line.encode()
        assert 0 < len(line) < 1200
    return None


LABELS = "".join(f",{number % 3 - 1}" for number in range(len(LIMB_NAMES)))
POSE = {
    "joints": {name: [10.0 * i, 20.0 * i] for i, name in enumerate(H36M_17.names)},
    "labels": {name: i % 3 - 1 for i, name in enumerate(LIMB_NAMES)},
}


@QUICK
@given(place=PLACE, junk=JUNK)
def test_a_pose_file(tmp_path: Path, place: tuple[int, ...], junk: Any) -> None:
    path = tmp_path / "pose.json"
    path.write_text(json.dumps(put(POSE, place, junk)), encoding="utf-8")
    pose = answer(lambda: read_pose(path))
    if pose is not None:
        assert (np.abs(pose.known) <= MOST_PX).all()
        assert set(pose.label.tolist()) <= {-1, 0, 1}


KEYPOINTS = [value for i in range(17) for value in (10 + i, 20 + 2 * i, 2)]
COCO: dict[str, Any] = {
    "images": [{"id": number, "file_name": f"{number}.jpg", "width": 120, "height": 100} for number in (1, 2)],
    "annotations": [
        {"id": n, "image_id": 1, "category_id": 1, "iscrowd": 0, "bbox": [5, 5, 40, 60], "keypoints": KEYPOINTS, "num_keypoints": 17} for n in (1, 2)
    ],
    "categories": [{"id": 1, "name": "person", "keypoints": list(COCO_17)}],
}


@QUICK
@given(place=PLACE, junk=JUNK)
def test_a_keypoint_file(tmp_path: Path, place: tuple[int, ...], junk: Any) -> None:
    path = tmp_path / "keypoints.json"
    path.write_text(json.dumps(put(COCO, place, junk)), encoding="utf-8")
    found = answer(lambda: read_people(path, tmp_path, 5))
    for person in found.people if found else ():
        known = person.points[~np.isnan(person.points[:, 0])]
        assert (np.abs(known) <= MOST_PX).all()
        assert (np.abs(person.box) <= MOST_PX).all()
        assert person.picture.path.is_relative_to(tmp_path.resolve())


ATTRIBUTE = TEXT.map(lambda text: "".join(letter for letter in text if letter.isprintable())).map(quoteattr)


@QUICK
@given(names=st.lists(st.integers(-1, 69), max_size=70) | st.permutations(range(68)), bad=ATTRIBUTE | st.just('"7"'), place=st.integers(0, 80))
def test_parts_of_xml(tmp_path: Path, names: list[int], bad: str, place: int) -> None:
    parts = "".join(f'<part name="{name}" x={bad if i == place else quoteattr(str(name))} y="{2 * name}"/>' for i, name in enumerate(names))
    (tmp_path / XML_NAME).write_text(f'<dataset><image file="1-01.jpg"><box>{parts}</box></image></dataset>', encoding="utf-8")
    found = answer(lambda: read_xml(tmp_path / XML_NAME))
    if found is not None:
        points = found["1-01.jpg"]
        assert sorted(names) == list(range(68))
        np.testing.assert_array_equal(points[:, 1], 2 * np.arange(68))
        assert (np.abs(points) <= MOST_PX).all()


def cut_and_changed(content: bytes, cut: int, changes: dict[int, int]) -> bytes:
    """The file to byte `cut`, with other bytes at some places."""
    data = bytearray(content[: cut % (len(content) + 1)])
    for place, value in changes.items():
        data[place % max(len(data), 1) : place % max(len(data), 1) + 1] = bytes([value])
    return bytes(data)


CELLS = [str(number) for number in range(136)]
GOOD: dict[str, tuple[bytes, Callable[[Path], Any]]] = {
    "pose.json": (json.dumps(POSE).encode(), read_pose),
    "keypoints.json": (json.dumps(COCO).encode(), lambda path: read_people(path, path.parent, 5)),
    XML_NAME: (
        f"""<?xml version="1.0" encoding="utf-8"?><dataset><image file="1-01.jpg"><box>{
            "".join(f'<part name="{i:02d}" x="1" y="{i}"/>' for i in range(68))
        }</box></image></dataset>""".encode(),
        read_xml,
    ),
    CSV_NAME: ("\n".join([",".join(HEADER), ",".join(["1-01.jpg", *CELLS])]).encode(), read_csv),
    "1-01.pts": (("version: 1\nn_points: 68\n{\n" + "1 2\n" * 68 + "}\n").encode(), read_pts),
    "hand.csv": (
        "\n".join([",".join(HAND_COLUMNS), f"S1,Walking,7,3{LABELS}"]).encode(),
        lambda path: read_hand_labels(path, KNOWN),
    ),
}
KNOWN = Known(
    np.zeros((5, 17, 3), np.float32),
    *(np.array([name] * 5) for name in ("ann", "S1", "Walking", "7")),
    frame=np.arange(5),
    truth=None,
    clear=None,
)


@pytest.mark.parametrize("name", GOOD)
@QUICK
@given(cut=st.integers(0, 5000) | st.just(-1), changes=st.dictionaries(st.integers(0, 5000), st.integers(0, 255), max_size=5))
def test_files_that_are_cut_and_changed(tmp_path: Path, name: str, cut: int, changes: dict[int, int]) -> None:
    content, read = GOOD[name]
    (tmp_path / name).write_bytes(cut_and_changed(content, cut, changes))
    answer(lambda: read(tmp_path / name))


@pytest.mark.parametrize("name", GOOD)
@QUICK
@given(content=st.binary(max_size=200))
def test_files_of_anything(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    answer(lambda: GOOD[name][1](tmp_path / name))


@pytest.mark.parametrize("name", GOOD)
def test_the_files_are_read_as_they_are(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(GOOD[name][0])
    assert answer(lambda: GOOD[name][1](tmp_path / name)) is not None


SAME = (b"[" * 200_000, b'{"a":' * 5000, b"<a>" * 100_000, b"{" * 10_000, b'"' * 9, b"9" * 200_000, b"," * 200_000, b"\0" * 9, b"\xff\xfe\0")


@pytest.mark.parametrize("name", GOOD)
@pytest.mark.parametrize("content", SAME)
def test_files_of_the_same_thing_over_and_over(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    assert answer(lambda: GOOD[name][1](tmp_path / name)) is None


def test_what_bombs_are_made_of(tmp_path: Path) -> None:
    """Entities of entities would grow to gigabytes, and others lead to files."""
    layers = "".join(f'<!ENTITY a{i} "{f"&a{i - 1};" * 10}">' for i in range(1, 12))
    (tmp_path / XML_NAME).write_text(f'<!DOCTYPE d [<!ENTITY a0 "ha">{layers}]><dataset>&a11;</dataset>', encoding="utf-8")
    with pytest.raises(UserError, match="found a document type"):
        read_xml(tmp_path / XML_NAME)


@pytest.mark.parametrize(
    ("content", "message"),
    [('{"a": 1, "b": {"c": 1, "c": 2}}', "the key 'c' stands twice in one place"), ("9" * 5000, "expected JSON"), ("[" * 5000, "without end")],
)
def test_json_that_says_nothing_clear(tmp_path: Path, content: str, message: str) -> None:
    (tmp_path / "a.json").write_text(content, encoding="utf-8")
    with pytest.raises(UserError, match=message):
        read_json(tmp_path / "a.json")


@QUICK
@given(JUNK)
def test_any_value_is_shown_in_a_few_letters(value: Any) -> None:
    text = shown(value)
    text.encode()
    assert len(text) < 200
    assert "\n" not in text
