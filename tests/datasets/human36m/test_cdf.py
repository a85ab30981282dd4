import time
from pathlib import Path

import numpy as np
import pytest
from cdflib.cdfwrite import CDF as CDFWriter

from pipeline.datasets.human36m.cdf import read_pose, write_pose
from pipeline.utils.errors import UserError

POSES = np.random.default_rng(0).normal(0, 1000, (7, 32, 3)).astype(np.float32)


def write_raw(path: Path, values: np.ndarray, majority: str = "Row_major", kind: int = CDFWriter.CDF_REAL4, varies: bool = True, **spec) -> None:
    """Write any array, its first axis the records, as other programs might."""
    file = CDFWriter(path, cdf_spec={"Majority": majority, "Encoding": 6}, delete=True)
    sizes = list(values.shape[1:] if varies else values.shape)
    variable = {"Variable": "Pose", "Data_Type": kind, "Num_Elements": 1, "Rec_Vary": varies, "Var_Type": "zVariable", "Dim_Sizes": sizes} | spec
    file.write_var(variable, var_data=values)
    file.close()


@pytest.mark.parametrize("dims", [2, 3])
def test_what_is_written_is_read(tmp_path, dims):
    path = tmp_path / "Directions 1.54138969.cdf"
    write_pose(path, POSES[..., :dims])
    assert [file.name for file in tmp_path.iterdir()] == [path.name]
    read = read_pose(path, dims)
    assert read.dtype == np.float32
    np.testing.assert_array_equal(read, POSES[..., :dims])


def test_the_same_poses_give_the_same_bytes_at_any_time(tmp_path, monkeypatch):
    write_pose(tmp_path / "a.cdf", POSES)
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + 1e6)
    write_pose(tmp_path / "b.cdf", POSES)
    assert (tmp_path / "a.cdf").read_bytes() == (tmp_path / "b.cdf").read_bytes()


def test_other_forms_of_the_same_poses_are_read(tmp_path):
    flat = POSES.reshape(1, 7, 96)
    write_raw(tmp_path / "compressed.cdf", flat, Compress=6)
    write_raw(tmp_path / "double.cdf", flat.astype(np.float64), kind=CDFWriter.CDF_DOUBLE)
    write_raw(tmp_path / "constant.cdf", flat[0], varies=False)
    columns = np.ascontiguousarray(flat.transpose(0, 2, 1)).reshape(1, 7, 96)  # the library's writer does not reorder
    write_raw(tmp_path / "columns.cdf", columns, majority="Column_major")
    for file in sorted(tmp_path.iterdir()):
        np.testing.assert_array_equal(read_pose(file, 3), POSES, err_msg=file.name)


def test_name_without_suffix_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"ends in \.cdf"):
        write_pose(tmp_path / "Walking 2.58860488", POSES)
    assert not list(tmp_path.iterdir())


def fails(path: Path, words: str, dims: int = 3) -> None:
    """Reading is one line that begins with the file's name."""
    with pytest.raises(UserError, match=words) as error:
        read_pose(path, dims)
    assert str(error.value).startswith(f"{path}: ")
    assert "\n" not in str(error.value)


def test_missing_file(tmp_path):
    fails(tmp_path / "a.cdf", "not found")


def test_pixels_are_no_points(tmp_path):
    write_pose(tmp_path / "a.cdf", POSES[..., :2])
    fails(tmp_path / "a.cdf", r"expected poses \(1, T, 96\), 32 joints with 3 numbers each, found \(1, 7, 64\)")


@pytest.mark.parametrize("shape", [(1, 0, 96), (2, 7, 96), (1, 7, 51), (96,)])
def test_other_shapes(tmp_path, shape):
    write_raw(tmp_path / "a.cdf", np.zeros(shape, np.float32))
    fails(tmp_path / "a.cdf", "expected")


@pytest.mark.parametrize("value", [np.nan, np.inf, -1e30, 1e7])
def test_numbers_that_no_pose_has(tmp_path, value):
    poses = POSES.copy()
    poses[4, 3, 1] = value
    write_raw(tmp_path / "a.cdf", poses.reshape(1, 7, 96))
    fails(tmp_path / "a.cdf", "expected finite coordinates, found .* in pose 4")


def test_a_pose_that_was_never_filled(tmp_path):
    poses = POSES.copy()
    poses[5:] = 0
    write_raw(tmp_path / "a.cdf", poses.reshape(1, 7, 96))
    fails(tmp_path / "a.cdf", "all joints at one point in pose 5")


def test_numbers_that_are_no_coordinates(tmp_path):
    write_raw(tmp_path / "a.cdf", np.zeros((1, 7, 96), np.int32), kind=CDFWriter.CDF_INT4)
    fails(tmp_path / "a.cdf", "expected numbers")


def test_another_variable(tmp_path):
    write_raw(tmp_path / "a.cdf", POSES.reshape(1, 7, 96), Variable="Angles")
    fails(tmp_path / "a.cdf", "variable Pose")


@pytest.mark.parametrize("content", [b"", b"no CDF", bytes(5000)])
def test_another_kind_of_file(tmp_path, content):
    (tmp_path / "a.cdf").write_bytes(content)
    fails(tmp_path / "a.cdf", "expected a CDF file")


def refused(path: Path) -> bool:
    """Whether the file is refused, in one line; else its poses are right, since what is damaged holds none of them."""
    try:
        poses = read_pose(path, 3)
    except UserError as error:
        message = str(error)
    else:
        np.testing.assert_array_equal(poses, POSES)
        return False
    assert message.startswith(f"{path}: expected")
    assert "\n" not in message
    return True


@pytest.mark.parametrize("compress", [0, 6])
def test_a_file_cut_off_anywhere(tmp_path, compress):
    path = tmp_path / "a.cdf"
    write_raw(path, POSES.reshape(1, 7, 96), Compress=compress)
    whole = path.read_bytes()
    cuts = range(0, len(whole), 61)
    results = []
    for length in cuts:
        path.write_bytes(whole[:length])
        results.append(refused(path))
    assert all(results[:-1])  # the very end is no pose


def test_damage_anywhere(tmp_path):
    path = tmp_path / "a.cdf"
    write_raw(path, POSES.reshape(1, 7, 96), Compress=6)  # a check sum guards the poses
    whole = path.read_bytes()
    results = []
    for start in range(0, len(whole), 37):
        path.write_bytes(whole[:start] + bytes(16) + whole[start + 16 :])
        results.append(refused(path))
    assert sum(results) > len(results) // 2
