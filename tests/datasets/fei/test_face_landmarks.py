"""Landmarks: three forms of file, each read back; what is damaged is named, what is missing is left out."""

import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from pipeline.datasets.fei.landmarks import CSV_NAME, HEADER, XML_NAME, detector, has_landmarks, read_landmarks, write_csv
from pipeline.pose.skeleton import FACE_LINES, IBUG_68, skeleton_of
from pipeline.utils.errors import UserError

POINTS = np.round(np.random.default_rng(0).uniform(10, 400, (68, 2)), 2)


def write_pts(path: Path, points: np.ndarray) -> None:
    lines = "\n".join(f"{x:.2f} {y:.2f}" for x, y in points + 1)
    path.write_text(f"version: 1\nn_points: 68\n{{\n{lines}\n}}\n", encoding="utf-8")


def write_xml(path: Path, name: str, points: np.ndarray) -> None:
    parts = "".join(f"<part name='{number:02d}' x='{x}' y='{y}'/>" for number, (x, y) in reversed(list(enumerate(points.tolist()))))
    images = f"<image file='{name}'><box top='1' left='1' width='9' height='9'>{parts}</box></image><image file='3-01.jpg'/>"
    path.write_text(f"<dataset><images>{images}</images></dataset>", encoding="utf-8")


def xml(x: str) -> str:
    """Dlib's XML of a picture all of whose landmarks lie at `x` and 2."""
    parts = "".join(f"<part name='{number}' x='{x}' y='2'/>" for number in range(68))
    return f"<dataset><images><image file='1-01.jpg'><box>{parts}</box></image></images></dataset>"


@pytest.mark.parametrize("names", ["{}", "{:02d}", "{:03d}"])
def test_the_parts_of_xml_go_by_their_numbers(tmp_path: Path, names: str) -> None:
    """As words `10` comes before `9`; 63 landmarks would be exchanged."""
    order = np.random.default_rng(1).permutation(68)
    parts = "".join(f"<part name='{names.format(number)}' x='{number}' y='{2 * number}'/>" for number in order.tolist())
    (tmp_path / XML_NAME).write_text(f"<dataset><image file='..\\1-01.jpg'><box>{parts}</box></image></dataset>", encoding="utf-8")
    found = read_landmarks(tmp_path, ["1-01.jpg"])["1-01.jpg"]
    np.testing.assert_array_equal(found, np.arange(68)[:, None] * (1, 2))


def test_other_encodings_of_a_table_are_read_or_named(tmp_path: Path) -> None:
    write_csv(tmp_path / CSV_NAME, {"1-01.jpg": POINTS})
    text = (tmp_path / CSV_NAME).read_text(encoding="utf-8")
    (tmp_path / CSV_NAME).write_text(text, encoding="utf-8-sig")
    np.testing.assert_allclose(read_landmarks(tmp_path, ["1-01.jpg"])["1-01.jpg"], POINTS, atol=1e-9)
    for encoding in ("utf-16", "latin-1"):
        (tmp_path / CSV_NAME).write_text(text.replace("1-01", "é"), encoding=encoding)
        with pytest.raises(UserError, match="expected text in UTF-8"):
            read_landmarks(tmp_path, ["1-01.jpg"])


@pytest.mark.parametrize("kind", ["csv", "xml", "pts"])
def test_every_form_gives_the_landmarks_back(tmp_path: Path, kind: str) -> None:
    assert not has_landmarks(tmp_path)
    if kind == "csv":
        write_csv(tmp_path / CSV_NAME, {"1-01.jpg": POINTS})
    elif kind == "xml":
        write_xml(tmp_path / XML_NAME, "folder/1-01.jpg", POINTS)
    else:
        write_pts(tmp_path / "1-01.pts", POINTS)
    assert has_landmarks(tmp_path)
    found = read_landmarks(tmp_path, ["1-01.jpg", "2-05.jpg", "3-01.jpg"])
    assert list(found) == ["1-01.jpg"]
    np.testing.assert_allclose(found["1-01.jpg"], POINTS, atol=1e-9)


def test_a_row_without_numbers_is_a_picture_without_a_face(tmp_path: Path) -> None:
    write_csv(tmp_path / CSV_NAME, {"1-01.jpg": POINTS})
    with (tmp_path / CSV_NAME).open("a", encoding="utf-8") as file:
        file.write("1-02.jpg" + "," * 136 + "\n")
    assert list(read_landmarks(tmp_path, ["1-01.jpg", "1-02.jpg"])) == ["1-01.jpg"]


@pytest.mark.parametrize(
    ("name", "content", "fault"),
    [
        (CSV_NAME, "name,x,y\n", "expected the header name,x0,y0"),
        (CSV_NAME, "", "found nothing"),
        (CSV_NAME, ",".join(HEADER) + "\n1-01.jpg,1,2\n", "row 2: expected 68 landmarks"),
        (CSV_NAME, ",".join(HEADER) + "\n1-01.jpg" + ",nan" * 136 + "\n", "found 'nan', which is not a number"),
        (CSV_NAME, ",".join(HEADER) + "\n1-01.jpg" + ",inf" * 136 + "\n", "finite and within ±100000, found inf"),
        (CSV_NAME, ",".join(HEADER) + "\n1-01.jpg" + ("," + "9" * 400) * 136 + "\n", "finite and within ±100000, found inf"),
        (CSV_NAME, ",".join(HEADER) + "\n1-01.jpg" + ",1e30" * 136 + "\n", "finite and within ±100000"),
        (CSV_NAME, ",".join(HEADER) + ("\n1-01.jpg" + ",7" * 136) * 2 + "\n", "row 3: expected each picture once, found '1-01.jpg' again"),
        (CSV_NAME, ",".join(HEADER) + "\n1-01.jpg," + "9" * 200_000 + "\n", "found a damaged row .field larger than field limit"),
        (CSV_NAME, ",".join(HEADER) + "\n1-01.jpg\0" + ",7" * 136 + "\n", "found bytes that are 0"),
        (XML_NAME, "<dataset>", "expected XML as dlib writes it"),
        (
            XML_NAME,
            "<dataset><image file='1-01.jpg'><box><part name='00' x='1' y='2'/></box></image></dataset>",
            "1-01.jpg': expected 68 landmarks, found 1; missing: 01, 02",
        ),
        (
            XML_NAME,
            "<dataset><image file='1-01.jpg'><box><part name='nose' x='1' y='2'/></box></image></dataset>",
            "found 'nose' as the name of a part",
        ),
        (XML_NAME, "<dataset><image file='a'><box><part name='7' x='1' y='2'/><part name='07'/></box></image></dataset>", "found '07' twice"),
        (XML_NAME, "<dataset><image file='a/1-01.jpg'/><image file='b\\1-01.jpg'/></dataset>", "expected each picture once, found '1-01.jpg' again"),
        (XML_NAME, xml(x="9" * 400), "finite and within ±100000, found inf"),
        (XML_NAME, xml(x="nan"), "found 'nan', which is not a number"),
        (XML_NAME, xml(x=""), "found '', which is not a number"),
        (XML_NAME, "<!DOCTYPE a [<!ENTITY b 'c'>]><dataset>&b;</dataset>", "found a document type"),
        (XML_NAME, "<!DOCTYPE a SYSTEM 'file:///etc/passwd'><dataset/>", "found a document type"),
        (XML_NAME, "<?xml version='1.0' encoding='none'?><dataset/>", "expected XML as dlib writes it, unknown encoding"),
        ("1-01.pts", "version: 1\n", "found no braces"),
        ("1-01.pts", "version: 1\n{\n1 2\n3 x\n}\n", "expected 68 landmarks"),
        ("1-01.pts", "version: 1\nn_points: 5\n{\n1 2\n}\n", "expected n_points: 68, found '5'"),
        ("1-01.pts", "n_points: 68\n{\n" + "inf 2\n" * 68 + "}\n", "finite and within"),
    ],
)
def test_a_damaged_file_is_named(tmp_path: Path, name: str, content: str, fault: str) -> None:
    (tmp_path / name).write_text(content, encoding="utf-8")
    with pytest.raises(UserError, match=fault) as error:
        read_landmarks(tmp_path, ["1-01.jpg"])
    assert str(error.value).startswith(str(tmp_path / name))


def test_no_landmarks_and_two_kinds_of_them_are_errors(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"found none; give dlib's predictor in data\.predictor"):
        read_landmarks(tmp_path, ["1-01.jpg"])
    write_csv(tmp_path / CSV_NAME, {"1-01.jpg": POINTS})
    write_pts(tmp_path / "1-01.pts", POINTS)
    with pytest.raises(UserError, match=r"found landmarks\.csv and \.pts files"):
        read_landmarks(tmp_path, ["1-01.jpg"])


def test_without_dlib_the_way_to_install_it_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "dlib", None)
    with pytest.raises(UserError, match=r"install `pose25d\[landmarks\]`"):
        detector(tmp_path / "predictor.dat")


class Rectangle:
    """A box that a detector found, as dlib gives it."""

    def __init__(self, side: int) -> None:
        self.side = side

    def area(self) -> int:
        return self.side**2


class Shape:
    """Landmarks as dlib gives them: whole px, each the box's side off to the right."""

    def __init__(self, side: int, count: int) -> None:
        self.num_parts, self.side = count, side

    def parts(self) -> list[SimpleNamespace]:
        return [SimpleNamespace(x=number + self.side, y=2 * number) for number in range(self.num_parts)]


@pytest.fixture
def dlib(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """The three calls that are made of dlib: it finds as many boxes as the picture's first pixel says."""
    module = SimpleNamespace(count=68)
    module.get_frontal_face_detector = lambda: lambda image, _: [Rectangle(side) for side in range(1, int(image[0, 0, 0]) + 1)]
    module.shape_predictor = lambda _: lambda _, box: Shape(box.side, module.count)
    monkeypatch.setitem(sys.modules, "dlib", module)
    return module


def test_dlib_looks_at_the_largest_face_and_may_find_none(tmp_path: Path, dlib: SimpleNamespace) -> None:
    (tmp_path / "predictor.dat").write_bytes(b"weights")
    detect = detector(tmp_path / "predictor.dat")
    picture = np.zeros((8, 8, 3), np.uint8)
    assert detect(picture) is None
    picture[0, 0, 0] = 3
    found = detect(picture)
    assert found is not None
    np.testing.assert_array_equal(found, [(number + 3, 2 * number) for number in range(68)])
    dlib.count = 5
    with pytest.raises(UserError, match="expected a predictor of 68 landmarks, found 5"):
        detect(picture)


def test_a_predictor_that_is_missing_or_none_is_named(tmp_path: Path, dlib: SimpleNamespace) -> None:
    with pytest.raises(UserError, match="not found; it is at"):
        detector(tmp_path / "nowhere.dat")

    def refuse(_: str) -> None:
        raise RuntimeError("Error deserializing object")

    dlib.shape_predictor = refuse
    (tmp_path / "predictor.dat").write_bytes(b"something else")
    with pytest.raises(UserError, match=r"expected dlib's predictor of 68 landmarks \(Error deserializing"):
        detector(tmp_path / "predictor.dat")


def test_the_landmarks_are_a_joint_set() -> None:
    assert skeleton_of(68) is IBUG_68
    flip = np.array(IBUG_68.flip)
    np.testing.assert_array_equal(flip[flip], np.arange(68))
    for name, line in FACE_LINES:
        other = name.replace("right", "*").replace("left", "right").replace("*", "left")
        assert {IBUG_68.names[flip[landmark]].rpartition("_")[0] for landmark in line} == {other}
    with pytest.raises(ValueError, match="got 5"):
        skeleton_of(5)
