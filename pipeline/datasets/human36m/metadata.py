"""`metadata.xml` of Human3.6M: which file holds which action, and where the cameras stand. Read and written."""

import re
import xml.etree.ElementTree as ET
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pipeline.datasets.human36m.names import name_fault, text_fault
from pipeline.pose.camera import Camera
from pipeline.utils.errors import UserError, shown
from pipeline.utils.files import atomic_file, machine_faults

FILE_NAME = "metadata.xml"

ACTIONS: Mapping[int, str] = dict(
    enumerate(
        (
            "_ALL",
            "Directions",
            "Discussion",
            "Eating",
            "Greeting",
            "Phoning",
            "Posing",
            "Purchases",
            "Sitting",
            "SittingDown",
            "Smoking",
            "TakingPhoto",
            "Waiting",
            "Walking",
            "WalkingDog",
            "WalkingTogether",
        ),
        start=1,
    )
)
ALL_ACTIONS = 1  # the take `_ALL`: videos without poses

# Table `w0`: for each camera, for each of the eleven subjects, three angles and the centre; then nine intrinsics per camera.
SUBJECTS = tuple(f"S{number}" for number in range(1, 12))
_EXTRINSICS, _INTRINSICS = 6, 9
_MOST = 1e7  # no angle, length or focal length is larger
_MOST_BYTES = 2**26  # the file has less than a megabyte


@dataclass(frozen=True)
class Metadata:
    """What `metadata.xml` says.

    actions : action id -> name
    prefixes : (subject, action id, subaction) -> file prefix, in the order of the table
    cameras : (subject, camera number) -> Camera, only where the file has a calibration
    camera_ids : camera numbers in the order of the file
    """

    actions: Mapping[int, str]
    prefixes: Mapping[tuple[str, int, int], str]
    cameras: Mapping[tuple[str, str], Camera]
    camera_ids: tuple[str, ...]

    def subjects(self) -> list[str]:
        """Subjects that have a file of their own, in the order of the table."""
        return list(dict.fromkeys(subject for subject, _, _ in self.prefixes))


def read_metadata(root: Path) -> Metadata:
    """Read `metadata.xml` at the top of `root`; raise UserError where it or one of its needed tables is missing or damaged.

    Rows and columns are found by what they hold, not by where they stand, so every published version of the file can be read.
    """
    path = root / FILE_NAME
    if not path.is_file():
        raise UserError(
            f"{path}: not found; expected {FILE_NAME} of Human3.6M's code bundle at the top of the data folder (data.root), beside S1, S5, ..."
        )
    try:
        with machine_faults(path):
            tree = ET.fromstring(_content(path))
    except (ET.ParseError, OSError, ValueError, LookupError) as error:
        raise UserError(f"{path}: expected XML, found {error}; copy {FILE_NAME} from Human3.6M's code bundle again") from None
    ids = tuple(_texts(_table(path, tree, "dbcameras/index2id")))
    if not ids or len(set(ids)) != len(ids):
        raise UserError(f"{path}: table dbcameras/index2id: expected each camera's number once, found {shown(', '.join(ids))}")
    for number in ids:
        if fault := name_fault(number) or ("it holds a dot" if "." in number else None):  # names of files end in a dot and the camera's number
            raise UserError(f"{path}: table dbcameras/index2id: expected numbers of cameras, found {shown(number)}: {fault}")
    return Metadata(_read_actions(path, tree), _read_prefixes(path, tree), _read_cameras(path, tree, ids), ids)


def _content(path: Path) -> bytes:
    if path.stat().st_size > _MOST_BYTES:
        raise UserError(f"{path}: expected at most {_MOST_BYTES} bytes, found {path.stat().st_size}; copy {FILE_NAME} again")
    return path.read_bytes()


def _table(path: Path, tree: ET.Element, name: str) -> ET.Element:
    found = tree.find(name)
    if found is None:
        raise UserError(f"{path}: table {name} is missing; copy {FILE_NAME} from Human3.6M's code bundle again")
    return found


def _texts(element: ET.Element) -> list[str]:
    """The text of each child; an empty cell is the empty string."""
    return [(child.text or "").strip() for child in element]


def _read_actions(path: Path, tree: ET.Element) -> dict[int, str]:
    names = _texts(_table(path, tree, "actionnames"))
    for name in names:
        if name and (fault := text_fault(name)):
            raise UserError(f"{path}: table actionnames: expected names of actions, found {shown(name)}: {fault}")
    return dict(enumerate(names, start=1))


def _read_prefixes(path: Path, tree: ET.Element) -> dict[tuple[str, int, int], str]:
    """Rows that begin with two numbers are sequences; the row that names subjects says which column is whose."""
    rows = [_texts(row) for row in _table(path, tree, "mapping")]
    header = next((row for row in rows if any(_is_subject(cell) for cell in row)), None)
    if header is None:
        raise UserError(f"{path}: table mapping: no row names the subjects (S1, S5, ...)")
    columns = {cell: column for column, cell in enumerate(header) if _is_subject(cell)}
    prefixes: dict[tuple[str, int, int], str] = {}
    for row in rows:
        if len(row) >= 2 and all(re.fullmatch("[0-9]{1,4}", cell) for cell in row[:2]):
            for subject, column in columns.items():
                if column < len(row) and row[column]:
                    key, prefix = (subject, int(row[0]), int(row[1])), _file_prefix(path, row[column])
                    if prefixes.setdefault(key, prefix) != prefix:
                        where = f"action {key[1]}, subaction {key[2]} of {subject}"
                        raise UserError(f"{path}: table mapping: expected one name for {where}, found {shown(prefixes[key])} and {shown(prefix)}")
    if not prefixes:
        raise UserError(f"{path}: table mapping: no row begins with an action and a subaction")
    return prefixes


def _is_subject(cell: str) -> bool:
    return re.fullmatch(r"S[1-9][0-9]{0,5}", cell) is not None


def _file_prefix(path: Path, cell: str) -> str:
    if fault := name_fault(cell):
        raise UserError(f"{path}: table mapping: {shown(cell)} is not the beginning of a file name: {fault}")
    return cell


def _read_cameras(path: Path, tree: ET.Element, ids: tuple[str, ...]) -> dict[tuple[str, str], Camera]:
    text = _table(path, tree, "w0").text or ""
    size = len(ids) * (len(SUBJECTS) * _EXTRINSICS + _INTRINSICS)
    try:
        numbers = np.array([float(word) for word in text.strip().strip("[]").replace(",", " ").split()])
    except ValueError as error:
        raise UserError(f"{path}: table w0: {shown(str(error))}; expected {size} numbers") from None
    if numbers.shape != (size,) or not (np.abs(numbers) <= _MOST).all():
        raise UserError(f"{path}: table w0: expected {size} finite numbers for {len(ids)} cameras and eleven subjects, found {numbers.size}")
    outer, inner = np.split(numbers, [size - len(ids) * _INTRINSICS])
    outer, inner = outer.reshape(len(ids), len(SUBJECTS), _EXTRINSICS), inner.reshape(len(ids), _INTRINSICS)
    return {
        (subject, camera): _camera(outer[c, s], inner[c])
        for s, subject in enumerate(SUBJECTS)
        for c, camera in enumerate(ids)
        if outer[c, s].any()  # zeros stand where a subject was not calibrated
    }


def _camera(outer: np.ndarray, inner: np.ndarray) -> Camera:
    fx, fy, cx, cy = inner[:4]
    return Camera(np.array([[fx, 0, cx], [0, fy, cy], [0, 0, 1]]), inner[4:], angles_to_rotation(outer[:3]), outer[3:])


def angles_to_rotation(angles: np.ndarray) -> np.ndarray:
    """R = Rx(a) Ry(b) Rz(c) of three angles in radians, each turning counter-clockwise about its own axis."""
    (ca, cb, cc), (sa, sb, sc) = np.cos(angles), np.sin(angles)
    about_x = np.array([[1, 0, 0], [0, ca, -sa], [0, sa, ca]])
    about_y = np.array([[cb, 0, sb], [0, 1, 0], [-sb, 0, cb]])
    about_z = np.array([[cc, -sc, 0], [sc, cc, 0], [0, 0, 1]])
    return about_x @ about_y @ about_z


def rotation_to_angles(R: np.ndarray) -> np.ndarray:
    """The three angles of `angles_to_rotation`, the second within a quarter turn; at exactly a quarter turn the third is 0."""
    b = np.arctan2(R[0, 2], np.hypot(R[0, 0], R[0, 1]))
    if np.hypot(R[0, 0], R[0, 1]) < 1e-9:  # the first and the third turn about one line
        return np.array([np.arctan2(R[2, 1], R[1, 1]), b, 0.0])
    return np.array([np.arctan2(-R[1, 2], R[2, 2]), b, np.arctan2(-R[0, 1], R[0, 0])])


def write_metadata(path: Path, metadata: Metadata) -> None:
    """Write the tables `mapping`, `w0`, `dbcameras` and `actionnames`, in the form of the data set's own file.

    Raises ValueError where the tables cannot hold `metadata`: a subject that is not S1 to S11, or intrinsics that differ between subjects.
    """
    tree = ET.Element("a")
    _write_mapping(ET.SubElement(tree, "mapping"), metadata)
    ET.SubElement(tree, "w0").text = f"[{' '.join(map(_number, _w0(metadata)))}]"
    cameras = ET.SubElement(ET.SubElement(tree, "dbcameras"), "index2id")
    _write_texts(cameras, "item", metadata.camera_ids)
    _write_texts(ET.SubElement(tree, "actionnames"), "item", [metadata.actions[i] for i in range(1, len(metadata.actions) + 1)])
    ET.indent(tree, "   ")
    with atomic_file(path) as partial:
        partial.write_bytes(ET.tostring(tree, encoding="utf-8", xml_declaration=True) + b"\n")


def _write_mapping(table: ET.Element, metadata: Metadata) -> None:
    subjects = metadata.subjects()
    _write_texts(ET.SubElement(table, "tr"), "td", ["Action", "subaction", *subjects])
    for action, subaction in sorted({(action, subaction) for _, action, subaction in metadata.prefixes}):
        names = [metadata.prefixes.get((subject, action, subaction), "") for subject in subjects]
        _write_texts(ET.SubElement(table, "tr"), "td", [str(action), str(subaction), *names])


def _write_texts(parent: ET.Element, tag: str, texts: tuple[str, ...] | list[str]) -> None:
    for text in texts:
        ET.SubElement(parent, tag).text = text


def _number(value: float) -> str:
    return "0" if value == 0 else repr(float(value))


def _w0(metadata: Metadata) -> np.ndarray:
    """All numbers of table `w0`; zeros where a subject has no calibration."""
    ids = metadata.camera_ids
    outer = np.zeros((len(ids), len(SUBJECTS), _EXTRINSICS))
    inner = np.zeros((len(ids), _INTRINSICS))
    for (subject, name), camera in metadata.cameras.items():
        if subject not in SUBJECTS:
            raise ValueError(f"{subject}: table w0 has room for {', '.join(SUBJECTS)}")
        c = ids.index(name)
        numbers = np.concatenate([camera.K[[0, 1], [0, 1]], camera.K[:2, 2], camera.distortion])
        if inner[c].any() and not np.array_equal(inner[c], numbers):
            raise ValueError(f"camera {name}: table w0 holds intrinsics once, found others for {subject}")
        inner[c] = numbers
        outer[c, SUBJECTS.index(subject)] = np.concatenate([rotation_to_angles(camera.R), camera.T])
    return np.concatenate([outer.ravel(), inner.ravel()])
