"""The file of cases: what is written is read, with the same bytes each time."""

import zipfile
from dataclasses import fields, replace

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from invented_cases import make_cases

from pipeline.evaluation.examples.cases import (
    Cases,
    Labels,
    read_cases,
    write_cases,
)
from pipeline.inference.images import WITHOUT_LIMBS
from pipeline.utils.errors import UserError


@pytest.fixture
def cases():
    return make_cases()


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


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_array_of_another_form_is_named_in_one_line(tmp_path, data):
    """But for numbers within their range, which nothing tells from the true ones."""
    write_cases(tmp_path / "cases.npz", make_cases())
    with np.load(tmp_path / "cases.npz") as file:
        arrays = dict(file)
    name = data.draw(st.sampled_from(sorted(name for name, array in arrays.items() if len(array))))
    array = arrays[name]
    damages = [array[:-1], array[None], array.astype("S30"), array[..., None]] + ([array[..., :-1], array[..., 0]] if array.ndim > 1 else [])
    if array.dtype.kind == "f":
        damages.append(np.full_like(array, np.inf))
    if name.endswith("label"):
        damages.append(array + np.int8(2))
    arrays[name] = data.draw(st.sampled_from(damages))
    lone = name.endswith(("pose", "label")) and arrays[name].shape[1:] != array.shape[1:] and arrays[name].ndim == array.ndim
    assume(not lone)  # other joint sets have other numbers of joints and limbs
    assume(not (name == "pairs.scores" and len(arrays[name]) == len(WITHOUT_LIMBS)))  # as many images as of faces
    np.savez(tmp_path / "cases.npz", **arrays)
    with pytest.raises(UserError, match=r"^[^\n]*cases\.npz: expected [^\n]*run the stage evaluate again$"):
        read_cases(tmp_path / "cases.npz")


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_file_with_a_byte_changed_or_cut_off_is_one_line_or_as_it_was(tmp_path, data):
    path = tmp_path / "cases.npz"
    write_cases(path, make_cases())
    content = bytearray(path.read_bytes())
    place = data.draw(st.integers(0, len(content) - 1))
    if data.draw(st.booleans()):
        content[place] ^= data.draw(st.integers(1, 255))
    else:
        del content[place:]
    path.write_bytes(content)
    try:
        found = read_cases(path)
    except UserError as error:
        line = str(error)
        assert "\n" not in line
    else:
        np.testing.assert_array_equal(found.samples.source, make_cases().samples.source)
