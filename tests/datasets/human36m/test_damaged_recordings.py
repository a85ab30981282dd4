"""Damaged inputs of `index`, `project` and `pack`: one line that says which file, what was expected, and what to do; or nothing of it is believed."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_pack import pack, write_views
from test_pack import write_poses as write_packed_poses
from test_project import FRAMES, manifest, written
from test_project import root as _recording

from pipeline.datasets.human36m.sidecar import read_identities
from pipeline.datasets.human36m.writer import truth_path
from pipeline.pose.skeleton import LIMBS
from pipeline.utils.errors import UserError
from pipeline.utils.files import file_hash

recording = _recording  # the fixture of a recording with its truth
VIEW = "sequences/Directions 1/54138969"

Damage = Callable[[h5py.File], Any]


def replaced(name: str, values: object) -> Damage:
    """Another dataset in the place of `name`."""

    def spoil(file: h5py.File) -> None:
        del file[name]
        if values is not None:
            file[name] = values

    return spoil


def one_number(name: str, index: tuple[int, ...], value: float) -> Damage:
    def spoil(file: h5py.File) -> None:
        file[name][index] = value

    return spoil


def text_attribute(place: str, name: str, value: object) -> Damage:
    return lambda file: file[place].attrs.__setitem__(name, value)


def grouped(name: str) -> Damage:
    """A group in the place of a dataset."""

    def spoil(file: h5py.File) -> None:
        del file[name]
        file.create_group(name)

    return spoil


def fails(work: Callable[[], object], path: Path, words: str) -> str:
    """The message of an error in one line that names the file."""
    with pytest.raises(UserError, match=words) as error:
        work()
    message = str(error.value)
    assert "\n" not in message
    assert str(path) in message
    return message


# ---- truth.h5 at `index`

IDENTITIES = {
    "no sequences": (lambda file: file.__delitem__("sequences"), "expected the truth of the built-in data, and in it `sequences`"),
    "a table of sequences": (replaced("sequences", [1, 2]), "and in it `sequences`"),
    "no identity": (
        lambda file: file["sequences/Directions 1"].attrs.__delitem__("identity"),
        "`identity` of each sequence, found 'None'",
    ),
    "a number": (text_attribute("sequences/Directions 1", "identity", 7), "the attribute `identity` of each sequence, found '7'"),
    "a long name": (text_attribute("sequences/Directions 1", "identity", "a" * 200), "the attribute `identity` of each sequence"),
    "two lines": (text_attribute("sequences/Directions 1", "identity", "a\nb"), "the attribute `identity` of each sequence"),
    "another subject": (text_attribute("sequences/Directions 1", "identity", "S9-07"), "expected the truth about S1, found that about S9"),
}


@pytest.mark.parametrize("name", IDENTITIES)
def test_who_is_seen_is_a_word_about_this_subject(recording: Path, name: str) -> None:
    path = truth_path(recording, "S1")
    with h5py.File(path, "a") as file:
        file["sequences/Directions 1"].attrs["identity"] = "S1-07"
    assert read_identities(path, "S1") == {"Directions 1": "S1-07"}
    damage, words = IDENTITIES[name]
    with h5py.File(path, "a") as file:
        damage(file)
    fails(lambda: read_identities(path, "S1"), path, words)


# ---- truth.h5 at `project`

TRUTHS = {
    "a table of a view": (replaced(VIEW, [1, 2]), f"the group `/{VIEW}`, found something else"),
    "no labels": (replaced(f"{VIEW}/label", None), f"`label`, n x {len(LIMBS)} whole numbers, found nothing"),
    "labels of one limb": (replaced(f"{VIEW}/label", np.zeros((FRAMES, 1), np.int8)), f"`label`, n x {len(LIMBS)} whole numbers, found 23 x 1"),
    "labels as words": (replaced(f"{VIEW}/label", ["a"]), "`label`"),
    "labels with fractions": (replaced(f"{VIEW}/label", np.zeros((FRAMES, len(LIMBS)))), "`label`"),
    "labels beyond 1": (one_number(f"{VIEW}/label", (3, 2), 5), "label` from -1 to 1, found 5"),
    "labels of fewer poses": (replaced(f"{VIEW}/label", np.zeros((20, len(LIMBS)), np.int8)), "labels of 23 poses, found 20"),
    "labels of more poses": (replaced(f"{VIEW}/label", np.zeros((40, len(LIMBS)), np.int8)), "labels of 23 poses, found 40"),
    "a group of labels": (grouped(f"{VIEW}/label"), "`label`"),
    "no clear": (replaced(f"{VIEW}/clear", None), "`clear`"),
    "clear of fewer poses": (replaced(f"{VIEW}/clear", np.zeros((20, len(LIMBS)), bool)), "`clear`"),
    "clear as numbers": (replaced(f"{VIEW}/clear", np.full((FRAMES, len(LIMBS)), 7, np.int8)), "`clear`"),
    "twins as a table": (replaced(f"{VIEW}/twins", [1]), "twins"),
    "no frames of twins": (replaced(f"{VIEW}/twins/frame", None), "`frame`"),
    "a frame that is not there": (one_number(f"{VIEW}/twins/frame", (1,), FRAMES), "frame` from 0 to 22, found 23"),
    "a frame before the first": (one_number(f"{VIEW}/twins/frame", (1,), -1), "frame` from 0 to 22, found -1"),
    "fewer chains": (replaced(f"{VIEW}/twins/chain", np.zeros(2, np.int8)), "`chain`, 3 whole numbers, found 2"),
    "a chain that is not there": (one_number(f"{VIEW}/twins/chain", (0,), 100), "chain` from 0 to [0-9]+, found 100"),
    "the same twin twice": (replaced(f"{VIEW}/twins/frame", np.array([5, 5, 5])), None),
    "poses of other joints": (replaced(f"{VIEW}/twins/pose_3d", np.zeros((3, 16, 3))), "`pose_3d`, 3 x 17 x 3 numbers"),
    "a pose that is not finite": (one_number(f"{VIEW}/twins/pose_3d", (2, 0, 0), np.nan), "pose_3d` from"),
    "a pose beyond everything": (one_number(f"{VIEW}/twins/pose_3d", (2, 0, 0), 1e12), "pose_3d` from"),
    "a twin elsewhere": (
        one_number(f"{VIEW}/twins/pose_3d", (0, 3, 0), 5000),
        "where their originals do, found one .* px beside it",
    ),
}


@pytest.mark.parametrize("name", TRUTHS)
def test_a_damaged_truth_is_one_line_where_it_is_read(recording: Path, name: str) -> None:
    path = truth_path(recording, "S1")
    damage, words = TRUTHS[name]
    with h5py.File(path, "a") as file:
        damage(file)
        if words is None:
            file[f"{VIEW}/twins/chain"][...] = 1
    message = fails(lambda: written(recording, manifest(recording, truth=True)), path, words or "each twin of .* once, found one twice")
    assert "synthesize` again" in message or "make the built-in data again" in message
    assert not (recording.parent / "S1.h5").exists()


def test_the_truth_of_another_recording_is_refused(recording: Path) -> None:
    """As where S9's file lies in S1's folder, whose sequences have the same names: its twins stand elsewhere."""
    with h5py.File(truth_path(recording, "S1"), "a") as file:
        file[f"{VIEW}/twins/pose_3d"][...] += np.array([30, 0, 0], np.float32)
    fails(lambda: written(recording, manifest(recording, truth=True)), truth_path(recording, "S1"), "the truth about another recording")


# ---- any bytes of truth.h5 and of poses


def spoilt(path: Path, start: int, filler: bytes, cut: bool) -> None:
    whole = path.read_bytes()
    start %= len(whole)
    path.write_bytes(whole[:start] + filler + (b"" if cut else whole[start + len(filler) :]))


DAMAGE = st.tuples(st.integers(0, 10**6), st.binary(min_size=1, max_size=64), st.booleans())


@pytest.fixture(scope="module")
def recordings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for `pack`, with twins, that is never changed."""
    folder = tmp_path_factory.mktemp("recordings")
    write_views(folder)
    write_packed_poses(folder, truth=True)
    return folder


@settings(max_examples=60, deadline=None)
@given(damage=DAMAGE, name=st.sampled_from(["poses/S1.h5", "raw/S1/truth.h5", "frames/S1/Walking 1.54138969.h5", "frames/S1/report.json"]))
def test_pack_never_shows_a_traceback(recordings: Path, tmp_path_factory: pytest.TempPathFactory, damage: tuple[int, bytes, bool], name: str) -> None:
    folder = Path(shutil.copytree(recordings, tmp_path_factory.mktemp("damaged"), dirs_exist_ok=True))
    spoilt(folder / name, *damage)
    if name.startswith("raw"):  # as if `index` and `project` had seen it so
        with h5py.File(folder / "poses/S1.h5", "a") as file:
            file.attrs["truth_sha256"] = file_hash(folder / name)
    try:
        path, message = pack(folder), ""
    except UserError as error:
        path, message = folder / "packed/S1.h5", str(error)
    assert "\n" not in message
    assert path.exists() == (message == "")
    if path.exists():
        with h5py.File(path) as file:
            assert np.isfinite(file["pose_2d"][()]).all()
            assert np.isfinite(file["pose_3d"][()]).all()


@settings(max_examples=40, deadline=None)
@given(damage=DAMAGE)
def test_index_never_shows_a_traceback_for_a_truth(tmp_path_factory: pytest.TempPathFactory, damage: tuple[int, bytes, bool]) -> None:
    path = tmp_path_factory.mktemp("truth") / "truth.h5"
    with h5py.File(path, "w") as file:
        for name in ("Sitting 1", "SittingDown 2"):
            file.create_group(f"sequences/{name}").attrs["identity"] = f"S1-{len(name)}"
    spoilt(path, *damage)
    try:
        found, message = read_identities(path, "S1"), ""
    except UserError as error:
        found, message = {}, str(error)
    assert "\n" not in message
    assert all(identity.startswith("S1-") or not identity.startswith("S") for identity in found.values())


# ---- the poses, frames and truth that `pack` reads

PLACE = "Directions/54138969"
POSES = {
    "another subject": (text_attribute("/", "subject", "S9"), "expected a file of poses, that of S1, found that of 'S9'"),
    "no subject": (lambda file: file.attrs.__delitem__("subject"), "subject"),
    "a table of a sequence": (replaced("Directions", [1]), "the group `Directions`"),
    "a table of a view": (replaced(PLACE, [1]), f"the group `{PLACE}`"),
    "no joints": (replaced(f"{PLACE}/pose_2d", None), "`pose_2d`"),
    "other joints": (replaced(f"{PLACE}/pose_2d", np.zeros((3, 18, 2))), "`pose_2d`"),
    "joints at infinity": (one_number(f"{PLACE}/pose_2d", (1, 2, 0), np.inf), "pose_2d` from"),
    "joints that are no numbers": (one_number(f"{PLACE}/pose_2d", (1, 2, 0), np.nan), "pose_2d` from"),
    "points beyond everything": (one_number(f"{PLACE}/pose_3d", (1, 2, 0), 1e20), "pose_3d` from"),
    "fewer points": (replaced(f"{PLACE}/pose_3d", np.zeros((2, 17, 3))), "`pose_3d`"),
    "labels beyond 1": (one_number(f"{PLACE}/label", (1, 2), 9), "label` from -1 to 1"),
    "frames that fall": (replaced(f"{PLACE}/frame", np.array([10, 5, 0])), "frame` rising"),
    "frames below 0": (replaced(f"{PLACE}/frame", np.array([-5, 0, 5])), "frame` from 0"),
    "no size": (lambda file: file[PLACE].attrs.__delitem__("width"), "width"),
    "a size that is a word": (text_attribute(PLACE, "width", "160"), "`width` in px"),
    "a size below 0": (text_attribute(PLACE, "height", -5), "`height` in px"),
    "no person": (lambda file: file[PLACE].attrs.__delitem__("identity"), "identity"),
    "a number for a person": (text_attribute(PLACE, "identity", 7), "the words `identity` and `action`"),
    "twins of rows that are not there": (replaced("twins/Walking 1/54138969/index", np.array([0, 2, 3], np.int32)), "index` from 0 to 2, found 3"),
    "twins of chains that are not there": (one_number("twins/Walking 1/54138969/chain", (0,), 77), "chain` from 0"),
    "fewer twins": (replaced("twins/Walking 1/54138969/label", np.zeros((2, len(LIMBS)), np.int8)), "`[a-z_0-9]+`, [0-9]"),
    "a truth outside": (text_attribute("/", "truth_path", "../secret.h5"), r"found the name '\.\./secret\.h5'"),
    "a truth that is a number": (text_attribute("/", "truth_path", 7), "found the name '7'"),
}


@pytest.mark.parametrize("name", POSES)
def test_damaged_poses_are_one_line_at_pack(recordings: Path, tmp_path: Path, name: str) -> None:
    folder = Path(shutil.copytree(recordings, tmp_path / "copy"))
    damage, words = POSES[name]
    with h5py.File(folder / "poses/S1.h5", "a") as file:
        damage(file)
    message = fails(lambda: pack(folder), folder / "poses/S1.h5", words)
    assert "run the stage `project` again" in message
    assert not (folder / "packed/S1.h5").exists()


def test_a_pack_of_another_subjects_frames_is_refused(recordings: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(recordings, tmp_path / "copy"))
    report = folder / "frames/S1/report.json"
    report.write_text(report.read_text(encoding="utf-8").replace("S1", "S9"), encoding="utf-8")
    fails(lambda: pack(folder), report, "expected frames of S1, found those of 'S9'")


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", "7", '{"subject": "S1"}', '{"subject": "S1", "left_out": 7}', '{"subject": "S1", "left_out": [7]}', "[" * 10**5]
)
def test_a_damaged_report_is_one_line_at_pack(recordings: Path, tmp_path: Path, text: str) -> None:
    folder = Path(shutil.copytree(recordings, tmp_path / "copy"))
    (folder / "frames/S1/report.json").write_text(text, encoding="utf-8")
    fails(lambda: pack(folder), folder / "frames/S1/report.json", "expected the report of `extract`, .*run the stage `extract` again")


TWINS = "sequences/Walking 1/54138969/twins"
IMAGES = {
    "no pictures": (replaced(f"{TWINS}/image", None), "image"),
    "fewer pictures": (replaced(f"{TWINS}/frame", np.array([0, 3, 10], np.int32)), "chain"),
    "a picture without bytes": (
        lambda file: file[f"{TWINS}/image"].__setitem__(3, np.zeros(0, np.uint8)),
        "a picture of the video's size",
    ),
    "a picture of noise": (
        lambda file: file[f"{TWINS}/image"].__setitem__(3, np.arange(99, dtype=np.uint8)),
        "a picture of",
    ),
    "no view": (replaced("sequences/Walking 1/54138969", None), "the group `Walking 1/54138969`"),
    "no sequences": (replaced("sequences", None), "sequences"),
}


@pytest.mark.parametrize("name", IMAGES)
def test_damaged_pictures_of_twins_are_one_line_at_pack(recordings: Path, tmp_path: Path, name: str) -> None:
    folder = Path(shutil.copytree(recordings, tmp_path / "copy"))
    damage, words = IMAGES[name]
    with h5py.File(folder / "raw/S1/truth.h5", "a") as file:
        damage(file)
    with h5py.File(folder / "poses/S1.h5", "a") as file:
        file.attrs["truth_sha256"] = file_hash(folder / "raw/S1/truth.h5")
    fails(lambda: pack(folder), folder / "raw/S1/truth.h5", words)
