import xml.etree.ElementTree as ET
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_recording import CAMERA_IDS, PREFIXES, make_metadata

from pipeline.datasets.human36m.metadata import FILE_NAME, angles_to_rotation, read_metadata, rotation_to_angles, write_metadata
from pipeline.datasets.human36m.names import name_fault
from pipeline.utils.errors import UserError


@pytest.fixture
def tree(tmp_path: Path) -> ET.ElementTree:
    write_metadata(tmp_path / FILE_NAME, make_metadata())
    return ET.parse(tmp_path / FILE_NAME)


def read_again(tree: ET.ElementTree, folder: Path):
    tree.write(folder / FILE_NAME)
    return read_metadata(folder)


def add_row(tree: ET.ElementTree, cells: list[str], at: int) -> None:
    row = ET.Element("tr")
    for cell in cells:
        ET.SubElement(row, "td").text = cell
    tree.find("mapping").insert(at, row)


def test_what_is_written_is_read(tmp_path):
    metadata = make_metadata()
    write_metadata(tmp_path / FILE_NAME, metadata)
    other = read_metadata(tmp_path)
    assert (other.actions, other.prefixes, other.camera_ids) == (metadata.actions, metadata.prefixes, metadata.camera_ids)
    assert other.subjects() == ["S1", "S9"]
    assert other.cameras.keys() == metadata.cameras.keys()
    for key, camera in metadata.cameras.items():
        np.testing.assert_array_equal(other.cameras[key].K, camera.K)
        np.testing.assert_array_equal(other.cameras[key].distortion, camera.distortion)
        np.testing.assert_array_equal(other.cameras[key].T, camera.T)
        np.testing.assert_allclose(other.cameras[key].R, camera.R, rtol=0, atol=1e-15)


def test_the_same_metadata_gives_the_same_bytes(tmp_path):
    for name in "ab":
        write_metadata(tmp_path / name, make_metadata())
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_rows_and_columns_are_found_by_content(tree, tmp_path):
    for row in tree.find("mapping"):
        subject = row[3]  # S9 before S1
        row.remove(subject)
        row.insert(2, subject)
    add_row(tree, ["", "", "Man", "Woman"], 0)  # names of the subjects
    add_row(tree, ["", "", "[1002 1000 1000 1002]", "[1002 1000 1000 1002]"], 4)  # sizes of the pictures
    add_row(tree, [], 5)
    ET.SubElement(tree.getroot(), "subject_measurements").text = "[1 2 3]"
    assert dict(read_again(tree, tmp_path).prefixes) == dict(PREFIXES)


def test_absent_rows_and_short_rows_are_tolerated(tree, tmp_path):
    add_row(tree, ["11", "1", "Smoking"], 3)  # no cell for S9
    assert read_again(tree, tmp_path).prefixes == {**PREFIXES, ("S1", 11, 1): "Smoking"}


def test_a_subject_without_calibration_has_no_cameras(tree, tmp_path):
    cameras = read_again(tree, tmp_path).cameras
    assert ("S2", CAMERA_IDS[0]) not in cameras
    assert ("S9", CAMERA_IDS[0]) in cameras


def test_extrinsics_differ_per_subject_and_intrinsics_do_not(tmp_path):
    write_metadata(tmp_path / FILE_NAME, make_metadata())
    cameras = read_metadata(tmp_path).cameras
    np.testing.assert_array_equal(cameras["S1", CAMERA_IDS[1]].K, cameras["S9", CAMERA_IDS[1]].K)
    assert np.abs(cameras["S1", CAMERA_IDS[1]].R - cameras["S9", CAMERA_IDS[1]].R).max() > 0.1


def test_missing_file_says_where_it_belongs(tmp_path):
    with pytest.raises(UserError, match=r"metadata\.xml: not found; expected .* at the top of the data folder"):
        read_metadata(tmp_path)


@pytest.mark.parametrize("content", [b"", b"<a><mapping></a>", b"\x00\xff\xfe", b'<?xml version="1.0" encoding="nonsense"?><a/>'])
def test_damaged_xml_is_one_line(tmp_path, content):
    (tmp_path / FILE_NAME).write_bytes(content)
    with pytest.raises(UserError, match=r"metadata\.xml: expected XML, found [^\n]+$"):
        read_metadata(tmp_path)


@pytest.mark.parametrize("table", ["mapping", "w0", "actionnames", "dbcameras"])
def test_missing_table_is_named(tree, tmp_path, table):
    tree.getroot().remove(tree.find(table))
    with pytest.raises(UserError, match=f"table {table}.* is missing"):
        read_again(tree, tmp_path)


@pytest.mark.parametrize("numbers", ["[1 2 3]", "[]", None, "[" + "1 " * 149 + "x]", "[" + "1 " * 149 + "nan]"])
def test_wrong_camera_numbers_are_one_line(tree, tmp_path, numbers):
    tree.find("w0").text = numbers
    with pytest.raises(UserError, match=r"table w0: [^\n]+$"):
        read_again(tree, tmp_path)


def test_mapping_without_subjects_or_sequences(tree, tmp_path):
    table = tree.find("mapping")
    for row in list(table)[1:]:
        table.remove(row)
    with pytest.raises(UserError, match="no row begins with an action and a subaction"):
        read_again(tree, tmp_path)
    table.remove(table[0])
    with pytest.raises(UserError, match="no row names the subjects"):
        read_again(tree, tmp_path)


def test_a_prefix_cannot_leave_its_folder(tree, tmp_path):
    tree.find("mapping")[1][2].text = "../../etc/passwd"
    with pytest.raises(UserError, match="not the beginning of a file name"):
        read_again(tree, tmp_path)


def test_camera_numbers_stand_once(tree, tmp_path):
    tree.find("dbcameras/index2id")[1].text = CAMERA_IDS[0]
    with pytest.raises(UserError, match="expected each camera's number once"):
        read_again(tree, tmp_path)


def test_angles_and_rotations():
    np.testing.assert_allclose(angles_to_rotation(np.array([np.pi / 2, 0, 0])) @ [0, 1, 0], [0, 0, 1], atol=1e-15)
    np.testing.assert_allclose(angles_to_rotation(np.array([0, np.pi / 2, 0])) @ [0, 0, 1], [1, 0, 0], atol=1e-15)
    np.testing.assert_allclose(angles_to_rotation(np.array([0, 0, np.pi / 2])) @ [1, 0, 0], [0, 1, 0], atol=1e-15)
    angles = np.array([0.4, -0.3, 1.1])
    by_axis = [cv2.Rodrigues(axis * angle)[0] for axis, angle in zip(np.eye(3), angles, strict=True)]
    np.testing.assert_allclose(angles_to_rotation(angles), by_axis[0] @ by_axis[1] @ by_axis[2], atol=1e-15)


@pytest.mark.parametrize("angles", [(0, 0, 0), (1, 0.5, -2), (-3, 1.5, 3), (0.3, np.pi / 2, 0.4), (0.3, -np.pi / 2, 0.4), (3.1, -1.2, -3.1)])
def test_angles_of_a_rotation_give_it_back(angles):
    R = angles_to_rotation(np.array(angles))
    np.testing.assert_allclose(angles_to_rotation(rotation_to_angles(R)), R, rtol=0, atol=1e-9)


def test_what_the_tables_cannot_hold_is_refused(tmp_path):
    metadata = make_metadata()
    key = ("S9", CAMERA_IDS[0])
    other = replace(metadata.cameras[key], K=np.diag([99.0, 99.0, 1.0]))
    with pytest.raises(ValueError, match="intrinsics once"):
        write_metadata(tmp_path / "a", replace(metadata, cameras={**metadata.cameras, key: other}))
    with pytest.raises(ValueError, match="S12: table w0 has room"):
        write_metadata(tmp_path / "a", replace(metadata, cameras={("S12", CAMERA_IDS[0]): other}))
    assert not (tmp_path / "a").exists()


@pytest.mark.parametrize("name", ["a" * 101, "é" * 101, "a\tb", "a/b", "twins", "a\x00b", ".a", "a:b", "\u202eabc"])
def test_names_that_cannot_name_files_are_refused(tree, tmp_path, name):
    if "\x00" not in name:  # which XML cannot hold
        tree.find("mapping")[1][2].text = name
        with pytest.raises(UserError, match=r"table mapping: [^\n]{1,120} is not the beginning of a file name: [^\n]+$"):
            read_again(tree, tmp_path)
        tree.find("mapping")[1][2].text = "Sitting"
    if name != "twins" and "\x00" not in name:
        tree.find("dbcameras/index2id")[0].text = name
        with pytest.raises(UserError, match=r"table dbcameras/index2id: expected numbers of cameras, found [^\n]+$"):
            read_again(tree, tmp_path)


def test_a_sequence_that_has_two_names_is_named(tree, tmp_path):
    add_row(tree, ["9", "1", "Sitting 7", "Sitting"], 2)
    with pytest.raises(UserError, match=r"expected one name for action 9, subaction 1 of S1, found 'Sitting (1|7)' and 'Sitting (1|7)'"):
        read_again(tree, tmp_path)


def test_the_same_row_twice_does_no_harm(tree, tmp_path):
    add_row(tree, ["9", "1", "Sitting 1", "Sitting"], 2)
    assert dict(read_again(tree, tmp_path).prefixes) == dict(PREFIXES)


@pytest.mark.parametrize("cell", ["9" * 5000, "S" + "1" * 5000])
def test_numbers_without_end_are_no_rows_and_no_subjects(tree, tmp_path, cell):
    add_row(tree, [cell, "1", "Hopping", "Hopping"], 1)
    assert dict(read_again(tree, tmp_path).prefixes) == dict(PREFIXES)


@pytest.mark.parametrize("number", ["1e300", "-1e8", "inf", "9" * 400])
def test_camera_numbers_out_of_range_are_one_line(tree, tmp_path, number):
    words = tree.find("w0").text.strip("[]").split()
    tree.find("w0").text = f"[{' '.join([number, *words[1:]])}]"
    with pytest.raises(UserError, match=r"table w0: [^\n]+$"):
        read_again(tree, tmp_path)


@settings(max_examples=150, deadline=None)
@given(start=st.integers(0, 10**6), length=st.integers(1, 400), filler=st.binary(min_size=0, max_size=30))
def test_damage_anywhere_is_one_line_or_does_no_harm(tmp_path_factory, start, length, filler):
    """Either the file is refused in one line, or what is read is complete and has names that can be used."""
    folder = tmp_path_factory.mktemp("damaged")
    write_metadata(folder / FILE_NAME, make_metadata())
    whole = (folder / FILE_NAME).read_bytes()
    start %= len(whole)
    (folder / FILE_NAME).write_bytes(whole[:start] + filler + whole[start + length :])
    try:
        metadata, message = read_metadata(folder), ""
    except UserError as error:
        metadata, message = make_metadata(), str(error)
    assert message == "" or (message.startswith(f"{folder / FILE_NAME}: ") and "\n" not in message)
    assert all(name_fault(prefix) is None for prefix in metadata.prefixes.values())
    assert all(np.isfinite(camera.K).all() for camera in metadata.cameras.values())
