"""Pairs: of one person, different enough, evenly spread, the same every time, and never of one person in training and test."""

from collections import Counter
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from pipeline.config.data import DataConfig, PairsConfig
from pipeline.packs.pack import Pack, pack_path, read_packs
from pipeline.packs.pairs import Person, choose_pairs, fair_shares, find_candidates, read_pairs, read_sources, write_pairs
from pipeline.pose.skeleton import LIMBS
from pipeline.utils.errors import UserError
from pipeline.utils.files import read_json

DATA = DataConfig(
    kind="recordings",
    root="raw",
    subjects=("S1", "S5", "S9"),
    test_subjects=("S9",),
    cameras="all",
    fps=10,
    frame_height=512,
    image_size=(8, 4),
    margin=0.15,
    skip_bad=False,
    exclude=(),
)


def config(**values: Any) -> PairsConfig:
    return PairsConfig(
        **{"train": 60, "test": 20, "across_cameras": True, "min_distance": 4, "sources": {"train": 1, "test": 1}, "seed": 1, **values}
    )


def write_pack(folder: Path, subject: str, identities: list[str], rows: int = 12, spread: float = 40) -> None:
    """A pack in which each identity has `rows` rows, in turn with the others, seen by two cameras."""
    folder.mkdir(exist_ok=True)
    count, rng = rows * len(identities), np.random.default_rng(len(subject + identities[0]))
    text = {
        "identity": [identities[i % len(identities)] for i in range(count)],
        "camera": [("54138969", "55011271")[i // len(identities) % 2] for i in range(count)],
        "sequence": ["Directions"] * count,
        "action": ["Directions"] * count,
    }
    with h5py.File(pack_path(folder, subject), "w") as file:
        file.attrs["subject"] = subject
        for name, values in text.items():
            file.create_dataset(name, data=values, dtype=h5py.string_dtype())
        file["image"] = np.zeros((count, 8, 4, 3), np.uint8)
        file["pose_2d"] = (rng.random((count, 17, 2)) + rng.random((count, 1, 2)) * spread).astype(np.float32)
        file["label"], file["pose_3d"], file["frame"] = (
            np.zeros((count, len(LIMBS)), np.int8),
            np.zeros((count, 17, 3), np.float32),
            np.arange(count, dtype=np.int32),
        )
        for name, shape in (("image", (0, 8, 4, 3)), ("row", (0,)), ("chain", (0,)), ("label", (0, len(LIMBS))), ("pose_3d", (0, 17, 3))):
            file[f"twins/{name}"] = np.zeros(shape, np.uint8)


@pytest.fixture
def packed(tmp_path: Path) -> Path:
    folder = tmp_path / "packed"
    write_pack(folder, "S1", ["Ann", "Bob", "Cy"])
    write_pack(folder, "S5", ["Dan"])
    write_pack(folder, "S9", ["Eve", "Flo"])
    return folder


def distances(pack: Pack, pairs: np.ndarray) -> np.ndarray:
    return np.linalg.norm(pack.pose_2d[pairs[:, 0]] - pack.pose_2d[pairs[:, 1]], axis=-1).mean(axis=-1)


@pytest.mark.parametrize("across_cameras", [True, False])
def test_pairs_are_of_one_person_in_two_poses_that_differ(packed: Path, tmp_path: Path, across_cameras: bool) -> None:
    write_pairs(packed, tmp_path / "pairs", DATA, config(across_cameras=across_cameras, min_distance=9))
    for split, subjects in (("train", ["S1", "S5"]), ("test", ["S9"])):
        pack = read_packs(packed, subjects)
        pairs = read_pairs(tmp_path / "pairs" / f"{split}.csv", pack)
        assert (pairs.shape[1], pairs.dtype) == (2, np.int64)
        assert (pairs[:, 0] != pairs[:, 1]).all()
        assert len(np.unique(pairs, axis=0)) == len(pairs)
        assert (pack.identity[pairs[:, 0]] == pack.identity[pairs[:, 1]]).all()
        assert (distances(pack, pairs) >= 9).all()
        same = pack.camera[pairs[:, 0]] == pack.camera[pairs[:, 1]]
        assert same.all() if not across_cameras else 0 < same.sum() < len(same)


def test_the_file_is_sorted_and_says_subject_and_identity(packed: Path, tmp_path: Path) -> None:
    write_pairs(packed, tmp_path / "pairs", DATA, config())
    lines = (tmp_path / "pairs" / "train.csv").read_text(encoding="utf-8").splitlines()
    assert lines[0] == "subject,identity,source,target"
    rows = [(subject, int(source), int(target)) for subject, _, source, target in (line.split(",") for line in lines[1:])]
    assert rows == sorted(rows)
    assert {line.split(",")[1] for line in lines[1:] if line.startswith("S1")} == {"Ann", "Bob", "Cy"}
    assert {line.split(",")[0] for line in lines[1:]} == {"S1", "S5"}


def test_people_share_evenly_and_the_report_counts(packed: Path, tmp_path: Path) -> None:
    write_pairs(packed, tmp_path / "pairs", DATA, config(train=62, min_distance=0))
    pack = read_packs(packed, ["S1", "S5"])
    pairs = read_pairs(tmp_path / "pairs" / "train.csv", pack)
    counts = Counter(pack.identity[pairs[:, 0]].tolist())
    assert sorted(counts.values()) == [15, 15, 16, 16]
    report = read_json(tmp_path / "pairs" / "report.json")
    assert list(report) == ["train", "test"]
    assert (report["train"]["asked"], report["train"]["kept"], report["test"]["kept"]) == (62, 62, 20)
    expected = {"identities": 3, "rows": 36, "possible": 3 * 12 * 11, "kept": sum(counts[name] for name in ("Ann", "Bob", "Cy"))}
    assert report["train"]["subjects"]["S1"] == expected


def test_where_there_are_fewer_pairs_than_asked_for_all_are_kept(packed: Path, tmp_path: Path) -> None:
    write_pairs(packed, tmp_path / "pairs", DATA, config(train=100000, min_distance=0))
    pairs = read_pairs(tmp_path / "pairs" / "train.csv", read_packs(packed, ["S1", "S5"]))
    assert len(pairs) == 4 * 12 * 11


def test_the_seed_alone_decides(packed: Path, tmp_path: Path) -> None:
    texts = []
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        write_pairs(packed, tmp_path / name, DATA, config(seed=seed))
        texts.append([(tmp_path / name / file).read_bytes() for file in ("train.csv", "test.csv", "report.json")])
    assert texts[0] == texts[1]
    assert texts[0][0] != texts[2][0]


def test_another_training_subject_leaves_the_test_pairs_as_they_are(packed: Path, tmp_path: Path) -> None:
    write_pairs(packed, tmp_path / "a", DATA, config())
    write_pairs(packed, tmp_path / "b", DATA.model_copy(update={"subjects": ("S9", "S1")}), config())
    assert (tmp_path / "a" / "test.csv").read_bytes() == (tmp_path / "b" / "test.csv").read_bytes()


def test_a_person_in_training_and_test_is_an_error(packed: Path, tmp_path: Path) -> None:
    write_pack(packed, "S9", ["Eve", "Bob"])
    with pytest.raises(UserError, match="identity Bob is in training subject S1 and in test subject S9"):
        write_pairs(packed, tmp_path / "pairs", DATA, config())
    assert not (tmp_path / "pairs").exists()


@pytest.mark.parametrize(("values", "rows"), [({"min_distance": 1000}, 12), ({}, 1), ({"across_cameras": False}, 2)])
def test_no_pairs_is_an_error_that_says_what_to_change(packed: Path, tmp_path: Path, values: dict[str, Any], rows: int) -> None:
    write_pack(packed, "S9", ["Eve", "Flo"], rows=rows)
    with pytest.raises(UserError, match=r"^no (train|test) pairs: among \d+ rows of \d identities no two.* apart; lower pairs\.min_distance"):
        write_pairs(packed, tmp_path / "pairs", DATA, config(**values))


@pytest.mark.parametrize(
    ("available", "total", "expected"),
    [([10, 10, 10], 9, [3, 3, 3]), ([1, 10, 10], 9, [1, 4, 4]), ([0, 2, 3], 9, [0, 2, 3]), ([5, 1, 5], 4, [1, 1, 2]), ([], 5, [])],
)
def test_fair_shares(available: list[int], total: int, expected: list[int]) -> None:
    assert fair_shares(available, total) == expected


def crowd(rows: int) -> Person:
    """One person with many rows whose poses lie 10 px apart in row order, four at each place."""
    place = np.arange(rows) // 4
    pose_2d = np.zeros((rows, 17, 2), np.float32) + 10 * place[:, None, None] * np.array([1, 0], np.float32)
    return Person("S1", "S1", np.arange(rows), np.full(rows, "walk"), np.array(["1", "2", "3", "4"])[np.arange(rows) % 4], pose_2d)


def test_candidates_are_all_pairs_where_they_can_be_looked_at() -> None:
    found = find_candidates(crowd(12), config(min_distance=5), 1000, np.random.default_rng(1))
    assert found.possible == len(found.pairs) == 12 * 8
    assert {tuple(pair) for pair in found.pairs.tolist()} == {(a, b) for a in range(12) for b in range(12) if a // 4 != b // 4}
    assert find_candidates(crowd(1), config(), 1000, np.random.default_rng(1)).pairs.shape == (0, 2)


def test_a_subject_of_human36m_is_sampled_not_enumerated() -> None:
    person = crowd(80_000)
    settings = config(min_distance=5, across_cameras=False)
    found = find_candidates(person, settings, 100_000, np.random.default_rng(1))
    assert found.possible == pytest.approx(80_000 * (80_000 / 4 - 1), rel=0.03)
    (chosen,) = choose_pairs([person], 2_000, settings)
    assert len(np.unique(chosen.pairs, axis=0)) == 2_000
    assert (person.camera[chosen.pairs[:, 0]] == person.camera[chosen.pairs[:, 1]]).all()
    assert np.histogram(chosen.pairs, bins=8, range=(0, 80_000))[0].min() > 400  # of 500: spread over the recording


def test_reading_says_what_is_wrong(packed: Path, tmp_path: Path) -> None:
    path, pack = tmp_path / "pairs.csv", read_packs(packed, ["S1", "S5"])
    with pytest.raises(UserError, match=r"pairs\.csv: not found; run the stage `pair`"):
        read_pairs(path, pack)
    head = "subject,identity,source,target\n"
    path.write_text(head + "S5,Dan,0,1\nS1,Bob,1,4\n", encoding="utf-8")
    assert read_pairs(path, pack).tolist() == [[36, 37], [1, 4]]
    path.write_text(head, encoding="utf-8")
    assert read_pairs(path, pack).shape == (0, 2)
    damaged = ("1", "1,x", "1,2,3", "1,1.5", f"1,{10**30}", "1," + "9" * 200_000)
    for text in ("", "a,b,c,d\n", "\0", *(f"{head}S1,Ann,{numbers}\n" for numbers in damaged)):
        path.write_text(text, encoding="utf-8")
        with pytest.raises(UserError, match=r"pairs\.csv: expected the columns subject, identity, source, target, "):
            read_pairs(path, pack)
    path.write_text(head + "S9,Eve,0,2\n", encoding="utf-8")
    with pytest.raises(UserError, match=r"pairs\.csv: expected pairs of S1, S5, found S9"):
        read_pairs(path, pack)
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(UserError, match=r"pairs\.csv: expected the columns"):
        read_pairs(path, pack)
    with pytest.raises(UserError, match=r"packed: expected the columns"):
        read_pairs(packed, pack)
    for row in ("S1,Ann,0,1", "S1,Ann,0,99", "S5,Dan,-1,-1", "S5,Dan,0,-36", "S1,Ann,-1,0", "S1,Ann,0,36"):
        path.write_text(head + row + "\n", encoding="utf-8")
        with pytest.raises(UserError, match=r"pairs\.csv: its rows are not those of the packs"):
            read_pairs(path, pack)


def test_further_sources_would_make_pairs_with_the_target_and_more_of_them_begin_with_the_same(packed: Path, tmp_path: Path) -> None:
    pack = read_packs(packed, ["S1", "S5"])
    found = {}
    for sources in (1, 2, 4):
        write_pairs(packed, tmp_path / f"pairs{sources}", DATA, config(sources={"train": sources, "test": 1}, min_distance=9, across_cameras=False))
        found[sources] = read_sources(tmp_path / f"pairs{sources}" / "train.csv", pack)
        assert found[sources].shape == (60, 1 + sources)
    for sources in (1, 2):
        assert np.array_equal(found[4][:, : 1 + sources], found[sources])
    pairs = found[4]
    assert np.array_equal(read_pairs(tmp_path / "pairs4" / "train.csv", pack), pairs[:, :2])
    others, target = pairs[:, 2:], pairs[:, 1:2]
    own = others == pairs[:, :1]  # the source again, where there is no other
    assert own.mean() < 0.2
    assert (pack.identity[others] == pack.identity[target]).all()
    assert (others != target).all()
    assert (pack.camera[others] == pack.camera[target]).all()
    for column in pairs[:, 2:].T:
        assert (distances(pack, np.column_stack([column, pairs[:, 1]]))[column != pairs[:, 0]] >= 9).all()
    assert all(len({*row}) == len(row) for row in pairs[~own.any(axis=1)].tolist())


def test_without_another_picture_the_source_stands_again(tmp_path: Path) -> None:
    packed = tmp_path / "packed"
    for subject, name in (("S1", "Ann"), ("S5", "Dan"), ("S9", "Eve")):
        write_pack(packed, subject, [name], rows=2)
    write_pairs(packed, tmp_path / "pairs", DATA, config(sources={"train": 1, "test": 3}, min_distance=0))
    pairs = read_sources(tmp_path / "pairs" / "test.csv", read_packs(packed, ["S9"]))
    assert len(pairs) == 2
    assert (pairs[:, 2:] == pairs[:, :1]).all()


def test_a_file_of_several_sources_with_a_column_too_few_is_refused(packed: Path, tmp_path: Path) -> None:
    write_pairs(packed, tmp_path / "pairs", DATA, config(sources={"train": 1, "test": 2}))
    path, pack = tmp_path / "pairs" / "test.csv", read_packs(packed, ["S9"])
    lines = path.read_text(encoding="utf-8").splitlines()
    assert lines[0] == "subject,identity,source,target,source_2"
    for damaged in (["subject,identity,source,target,source_3", *lines[1:]], [lines[0], *(line.rpartition(",")[0] for line in lines[1:])]):
        path.write_text("\n".join(damaged), encoding="utf-8")
        with pytest.raises(UserError, match="run the stage `pair` again"):
            read_sources(path, pack)
