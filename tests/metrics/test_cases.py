"""The file of cases: what is written is read, with the same bytes each time."""

import zipfile
from dataclasses import fields, replace

import numpy as np
import pytest

from pipeline.errors import UserError
from pipeline.metrics.cases import Appearances, Cases, Demonstrations, Labels, Pairs, Shown, ShownTwins, Steps, read_cases, write_cases


@pytest.fixture
def cases():
    rng = np.random.default_rng(0)

    def group(cls, rows):
        names = {field.name: rng.random((rows, 3)).astype(np.float32) for field in fields(cls)}
        text = {"caption": "S9/Directions 1/54138969/5", "kind": "legs swapped"}
        return cls(**(names | {name: np.array([text[name]] * rows, dtype=np.str_) for name in text if name in names}))

    shown = [
        group(cls, rows) for cls, rows in ((Shown, 2), (Shown, 2), (Shown, 0), (ShownTwins, 0), (Demonstrations, 3), (Steps, 2), (Appearances, 2))
    ]
    return Cases(group(Pairs, 4), *shown, group(Labels, 8))


def test_what_is_written_is_read(cases, tmp_path):
    write_cases(tmp_path / "cases.npz", cases)
    read = read_cases(tmp_path / "cases.npz")
    for group in fields(Cases):
        for name, array in vars(getattr(cases, group.name)).items():
            found = getattr(getattr(read, group.name), name)
            assert found.dtype == array.dtype
            np.testing.assert_array_equal(found, array)


def test_the_bytes_depend_on_the_content_alone(cases, tmp_path):
    write_cases(tmp_path / "a.npz", cases)
    with zipfile.ZipFile(tmp_path / "a.npz") as archive:
        assert {info.date_time for info in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
    write_cases(tmp_path / "b.npz", cases)
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()
    write_cases(tmp_path / "b.npz", replace(cases, labels=Labels(cases.labels.confusion + 1)))
    assert (tmp_path / "a.npz").read_bytes() != (tmp_path / "b.npz").read_bytes()


@pytest.mark.parametrize("content", [b"", b"nothing", b"PK\x03\x04nothing"])
def test_a_damaged_file_is_one_line(content, tmp_path):
    (tmp_path / "cases.npz").write_bytes(content)
    with pytest.raises(UserError, match=r"cases\.npz: expected the cases that stage evaluate writes"):
        read_cases(tmp_path / "cases.npz")


def test_a_file_that_lacks_an_array_is_one_line(tmp_path):
    np.savez(tmp_path / "cases.npz", other=np.zeros(1))
    with pytest.raises(UserError, match=r"expected the cases .*pairs\.source"):
        read_cases(tmp_path / "cases.npz")


def test_a_file_from_before_the_demonstrations_is_one_line(cases, tmp_path):
    write_cases(tmp_path / "cases.npz", cases)
    with np.load(tmp_path / "cases.npz") as arrays:
        np.savez(tmp_path / "old.npz", **{name: array for name, array in arrays.items() if not name.startswith("demonstrations.")})
    with pytest.raises(UserError, match=r"expected the cases .*demonstrations\.source"):
        read_cases(tmp_path / "old.npz")
