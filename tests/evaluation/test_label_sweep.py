"""The sweep over the thicknesses of the body: its figures are those of fresh labels, its optimum is the highest, and no truth is no accuracy."""

import csv
import json
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest
from click.testing import CliRunner
from ruamel.yaml import YAML

from pipeline.config.pose import LimbRadius
from pipeline.evaluation.label_sweep import (
    KINDS,
    SCORES,
    SHARES,
    THICKNESSES,
    Known,
    best,
    read_hand_labels,
    read_known,
    sweep,
    sweep_chest_ratio,
    sweep_radius,
    sweep_thickness,
    try_few_pictures,
)
from pipeline.evaluation.scores.depth import label_accuracy
from pipeline.pose.bodies.pose_space import label_limbs
from pipeline.pose.skeleton import H36M_17, LIMB_NAMES, LIMB_RADIUS
from pipeline.utils.errors import UserError
from pose25d.sweep import main

ROOT = Path(__file__).resolve().parents[2]
RADIUS = LimbRadius(**LIMB_RADIUS)
TRUE = 200.0  # mm, the thickness that made the truth
FOREARMS = [LIMB_NAMES.index("left_forearm"), LIMB_NAMES.index("right_forearm")]
# Someone who faces the camera, mm: to the picture's right, down, away from the camera.
STANDING = np.array(
    [
        [0, -135, -160, -180, 135, 160, 180, 0, 0, 0, 0, 180, 330, 80, -180, -330, -80],
        [0, 0, 440, 880, 0, 440, 880, -240, -490, -590, -700, -480, -250, -280, -480, -250, -280],
        [0, 0, 0, 0, 0, 0, 0, 0, 0, -60, 0, 0, 0, 0, 0, 0, 0],
    ],
    dtype=np.float32,
).T


def people(count: int) -> np.ndarray:
    """(count, 17, 3): both forearms somewhere between 300 mm before and 300 mm behind the trunk, arms pushed about."""
    rng = np.random.default_rng(3)
    pose = np.repeat(STANDING[None], count, axis=0)
    for side in ("left", "right"):
        depth = rng.uniform(-300, 300, count)
        pose[:, H36M_17.index(f"{side}_wrist"), 2] += depth
        pose[:, H36M_17.index(f"{side}_elbow"), 2] += depth / 2
    pose[:, H36M_17.index("left_wrist"), 1] += 150  # so that the forearms do not meet each other
    return pose + np.array([0, 0, 4500], np.float32)


def known(count: int = 300, thickness: float = TRUE) -> Known:
    """People whose true labels are those of a torso of that thickness; every third case is not clear."""
    pose = people(count)
    truth = label_limbs(pose, thickness, RADIUS)
    clear = (np.arange(truth.size) % 3 > 0).reshape(truth.shape)
    number = np.arange(count)
    name = np.array(["S1"] * count)
    return Known(pose, np.array(["ann", "bob"])[number % 2], name, np.array(["Walking"] * count), np.array(["7"] * count), number, truth, clear)


def write_pack(folder: Path, subject: str, one: Known) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with h5py.File(folder / f"{subject}.h5", "w") as file:
        file.attrs["subject"] = subject
        file["image"] = np.zeros((len(one), 4, 2, 3), np.uint8)
        file["pose_3d"], file["frame"] = one.pose_3d, one.frame
        for name in ("identity", "sequence", "camera"):
            file.create_dataset(name, data=[str(value) for value in getattr(one, name)], dtype=h5py.string_dtype())
        if one.truth is not None:
            file["label_truth"], file["label_clear"] = one.truth, one.clear


def write_hand_labels(path: Path, rows: list[list[object]]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([["subject", "sequence", "camera", "frame", *LIMB_NAMES], *rows])
    return path


@pytest.fixture
def params(tmp_path: Path) -> str:
    """The project's parameters, for two small subjects."""
    values = YAML(typ="safe").load(ROOT / "params.yaml")
    values["data"] |= {"subjects": ["S1", "S9"], "test_subjects": ["S9"]}
    values["pose"] |= {"torso_thickness": 240, "limb_radius": RADIUS.model_dump()}
    YAML().dump(values, tmp_path / "params.yaml")
    return str(tmp_path / "params.yaml")


def test_the_accuracy_at_the_present_values_is_that_of_fresh_labels() -> None:
    one = known()
    found = sweep(one, 250.0, RADIUS)  # not one of the swept thicknesses: it comes in
    expected = label_accuracy(label_limbs(one.pose_3d, 250.0, RADIUS), one.truth, one.clear)
    place = found["torso_thickness"]["value"].index(250.0)
    for name in SCORES:
        assert found["present"][name] == found["torso_thickness"][name][place] == expected[name]
        for kind, table in found["limb_radius"].items():
            assert table[name][table["value"].index(getattr(RADIUS, kind))] == expected[name]
    assert found["torso_thickness"]["changed"][place] == 0


def test_the_sweep_finds_the_thickness_that_made_the_truth() -> None:
    found = sweep(known(), 320.0, RADIUS)
    for name in SCORES:
        assert found["torso_thickness"]["best"][name] == {"value": TRUE, "accuracy": 1.0}
    assert found["present"]["label_accuracy"] < 0.99


def test_the_sweep_finds_the_radius_that_made_the_truth() -> None:
    one = known()
    thin = RADIUS.model_copy(update={"forearm": 30.0})
    one = replace(one, truth=label_limbs(one.pose_3d, TRUE, thin))
    table = sweep_radius(one, TRUE, RADIUS, "forearm", (0.5, 2 / 3, 1.0, 1.5), one.truth)
    assert table["value"] == [22.5, 30.0, 45.0, 67.5]
    assert table["best"]["label_accuracy"] == {"value": 30.0, "accuracy": 1.0}
    assert table["changed"][1] == 0


def test_best_is_the_first_of_the_highest_and_nothing_without_accuracies() -> None:
    table = {"value": [80, 100, 120, 140], **{name: [0.5, 0.9, 0.9, 0.7] for name in SCORES}}
    assert best(table) == {name: {"value": 100, "accuracy": 0.9} for name in SCORES}
    assert best({"value": [80, 100], **{name: [None, None] for name in SCORES}}) == dict.fromkeys(SCORES)


def test_in_a_huge_torso_every_arm_is_level() -> None:
    one = known(50)
    assert (label_limbs(one.pose_3d, TRUE, RADIUS)[:, FOREARMS] != 0).mean() > 0.3
    table = sweep_thickness(one, (TRUE, 2500.0), RADIUS, one.truth)
    for name in ("left_forearm", "right_forearm"):
        assert table["by_limb"][name]["level"][0] < 0.7
        assert [table["by_limb"][name][share][1] for share in SHARES] == [0, 1, 0]


def test_shares_add_up_and_those_of_all_limbs_are_the_mean() -> None:
    table = sweep_thickness(known(), THICKNESSES, RADIUS, known().truth)
    np.testing.assert_allclose(np.sum([table[share] for share in SHARES], axis=0), 1, atol=1e-5)
    for share in SHARES:
        by_limb = [table["by_limb"][name][share] for name in LIMB_NAMES]
        np.testing.assert_allclose(np.mean(by_limb, axis=0), table[share], atol=1e-5)


def test_each_person_has_a_torso_of_their_own() -> None:
    """Ann is thin and Bob is not: no single thickness fits both, a share of the chest does."""
    one = known()
    chest = np.where(one.identity == "ann", 160.0, 320.0)
    truth = np.where((one.identity == "ann")[:, None], label_limbs(one.pose_3d, 160.0, RADIUS), label_limbs(one.pose_3d, 320.0, RADIUS))
    one = replace(one, truth=truth)
    table = sweep_chest_ratio(one, chest, (0.8, 1.0, 1.2), RADIUS, truth)
    assert table["best"]["label_accuracy"] == {"value": 1.0, "accuracy": 1.0}
    assert table["mean_chest_depth"] == 240
    assert max(sweep_thickness(one, THICKNESSES, RADIUS, truth)["label_accuracy"]) < 1


def test_many_pictures_find_the_thickness_and_few_lose_something() -> None:
    few, many = try_few_pictures(known(), THICKNESSES, RADIUS, (2, 300), np.random.default_rng(0))
    assert (many["low"], many["high"], many["loss"]) == (TRUE, TRUE, 0)
    assert few["loss"] > 0
    assert few["low"] < TRUE
    assert try_few_pictures(known(20), THICKNESSES, RADIUS, (2, 300), np.random.default_rng(0)) is None


def test_without_truth_the_shares_are_known_and_the_accuracy_is_not() -> None:
    one = known()
    found = sweep(replace(one, truth=None, clear=None), TRUE, RADIUS)
    told = sweep(one, TRUE, RADIUS)
    tables = [found["present"], found["torso_thickness"], *(found["limb_radius"][kind] for kind in KINDS)]
    same = [told["present"], told["torso_thickness"], *(told["limb_radius"][kind] for kind in KINDS)]
    for table, other in zip(tables, same, strict=True):
        assert all(table[name] == other[name] for name in (*SHARES, "changed"))
        assert not any(np.atleast_1d(table[name]).any() for name in SCORES)
    assert found["torso_thickness"]["best"] == dict.fromkeys(SCORES)
    assert (found["confusion"], found["true_shares"], found["from_few_pictures"], found["clear_cases"]) == (None, None, None, None)


def test_packs_are_read_without_images_and_the_truth_only_if_all_have_it(tmp_path: Path) -> None:
    one = known(7)
    write_pack(tmp_path, "S1", one)
    write_pack(tmp_path, "S9", one)
    found = read_known(tmp_path, ["S9", "S1"], every=2)
    assert found.frame.tolist() == [0, 2, 4, 6, 1, 3, 5]
    assert found.subject.tolist() == ["S9"] * 4 + ["S1"] * 3
    np.testing.assert_array_equal(found.truth, np.concatenate([one.truth, one.truth])[::2])
    write_pack(tmp_path, "S1", replace(one, truth=None, clear=None))
    assert read_known(tmp_path, ["S9", "S1"]).truth is None
    write_pack(tmp_path, "S1", known(0))
    with pytest.raises(UserError, match="expected at least one pose of S1, found none"):
        read_known(tmp_path, ["S1"])


def test_labels_given_by_hand_are_the_truth(tmp_path: Path) -> None:
    one = known(10)
    path = write_hand_labels(tmp_path / "hand.csv", [["S1", "Walking", "7", 4, *one.truth[4]], ["S1", "Walking", "7", 2, *one.truth[2]]])
    found = read_hand_labels(path, replace(one, truth=None, clear=None))
    np.testing.assert_array_equal(found.truth, one.truth[[4, 2]])
    np.testing.assert_array_equal(found.pose_3d, one.pose_3d[[4, 2]])
    assert found.clear.all()
    assert sweep(found, TRUE, RADIUS)["present"]["label_accuracy"] == 1


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (["S1", "Walking", "7", 99, *[0] * len(LIMB_NAMES)], "line 2: no pack has 'S1/Walking/7/99'"),
        (["S1", "Walking", "7", 1, *[0] * 7, 2], r"line 2: expected labels -1 .* found \[2\]"),
        (["S1", "Walking", "7", 1, *[0] * 7, ""], "line 2: expected whole numbers"),
        (["S1", "Walking", "7", 1], "line 2: expected whole numbers"),
        (["S1", "Walking", "7", "1_0", *[0] * len(LIMB_NAMES)], "line 2: expected whole numbers .* found '1_0'"),
        (["S1", "Walking", "7", "9" * 5000, *[0] * len(LIMB_NAMES)], "line 2: expected whole numbers .* found '9999"),
        (["S1", "Walking", "7", 1, *[0] * 7, "True"], "line 2: expected whole numbers .* found 'True'"),
        (["S1", "Walking", "7", 1, *[0] * 7, "nan"], "line 2: expected whole numbers"),
        (["S1", "Walking", "7", 1, *[0] * 9], "line 2: expected 12 columns, found 13"),
        (["x" * 200_000, "Walking", "7", 1, *[0] * len(LIMB_NAMES)], r"found a damaged row .field larger"),
        (["S1\0", "Walking", "7", 1, *[0] * len(LIMB_NAMES)], "found bytes that are 0"),
        (None, "expected at least one labelled picture, found none"),
    ],
)
def test_wrong_labels_are_named(tmp_path: Path, row: list[object] | None, message: str) -> None:
    with pytest.raises(UserError, match=message):
        read_hand_labels(write_hand_labels(tmp_path / "hand.csv", [row] if row else []), known(10))


def test_a_table_without_the_limbs_is_refused(tmp_path: Path) -> None:
    (tmp_path / "hand.csv").write_text("subject,sequence,camera\n", encoding="utf-8")
    with pytest.raises(UserError, match="missing: frame, right_thigh"):
        read_hand_labels(tmp_path / "hand.csv", known(10))


def test_a_picture_that_is_labelled_twice_is_named(tmp_path: Path) -> None:
    path = write_hand_labels(tmp_path / "hand.csv", [["S1", "Walking", "7", frame, *[0] * len(LIMB_NAMES)] for frame in (3, 4, 3)])
    with pytest.raises(UserError, match="line 4: expected each picture once, found 'S1/Walking/7/3' again"):
        read_hand_labels(path, known(10))


def test_a_column_that_stands_twice_is_named(tmp_path: Path) -> None:
    (tmp_path / "hand.csv").write_text(",".join(["subject", "sequence", "camera", "frame", *LIMB_NAMES, "left_calf"]) + "\n", encoding="utf-8")
    with pytest.raises(UserError, match="each once; missing: left_calf"):
        read_hand_labels(tmp_path / "hand.csv", known(10))


def test_labels_in_other_encodings_are_read_or_named(tmp_path: Path) -> None:
    path = write_hand_labels(tmp_path / "hand.csv", [["S1", "Walking", "7", 4, *[0] * len(LIMB_NAMES)]])
    text = path.read_text(encoding="utf-8")
    path.write_text(text, encoding="utf-8-sig")  # as spreadsheets do
    assert read_hand_labels(path, known(10)).truth.tolist() == [[0] * len(LIMB_NAMES)]
    path.write_text(text.replace("Walking", "Gehen über"), encoding="latin-1")
    with pytest.raises(UserError, match="expected text in UTF-8"):
        read_hand_labels(path, known(10))


def test_packs_without_poses_in_3d_or_with_other_limbs_are_refused(tmp_path: Path) -> None:
    one = known(4)
    for wrong, message in (
        (replace(one, pose_3d=np.zeros((4, 0, 3), np.float32)), r"S1\.h5: expected pose_3d of the shape \(17, 3\) in each row, found \(0, 3\)"),
        (replace(one, truth=np.zeros((4, 0), np.int8)), r"S1\.h5: expected label_truth of the shape \(8,\) in each row, found \(0,\)"),
    ):
        write_pack(tmp_path, "S1", wrong)
        with pytest.raises(UserError, match=message):
            read_known(tmp_path, ["S1"])


def test_the_command_replaces_nothing_but_what_it_wrote(tmp_path: Path, params: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for subject in ("S1", "S9"):
        write_pack(tmp_path / "packed", subject, known(5))
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "me.jpg").write_bytes(b"a picture")
    (tmp_path / "photos" / "empty").mkdir()
    monkeypatch.chdir(tmp_path / "photos" / "empty")
    before = {path: path.is_file() and path.read_bytes() for path in tmp_path.rglob("*")}
    for out in (tmp_path / "photos", "..", "../..", ".", tmp_path / "photos" / "empty", tmp_path / "packed", tmp_path / "photos" / "me.jpg"):
        for more in ([], ["--force"]):
            result = CliRunner().invoke(main, [str(tmp_path / "packed"), str(out), "--params", params, *more])
            assert (result.exit_code, result.output.count("\n")) == (1, 1), result.output
    assert {path: path.is_file() and path.read_bytes() for path in tmp_path.rglob("*")} == before


def test_the_command_writes_figures_and_plots(tmp_path: Path, params: str) -> None:
    write_pack(tmp_path / "packed", "S1", known(20))
    write_pack(tmp_path / "packed", "S9", known(10))
    written = []
    for _ in range(2):  # the second time over the first, with the same bytes
        result = CliRunner().invoke(main, [str(tmp_path / "packed"), str(tmp_path / "out"), "--params", params])
        assert result.exit_code == 0, result.output
        written.append({path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()})
    assert set(written[0]) == {"sweep.json", "thickness.png", "radius.png", "confusion.png"}
    assert written[0] == written[1]
    found = json.loads(written[0]["sweep.json"])
    assert (found["poses"], found["present"]["torso_thickness"], found["chest_ratio"]) == (30, 240, None)  # ann and bob are not of the built-in data
    assert np.sum(found["confusion"]["left_calf"]) > 0
    assert f"best: {found['torso_thickness']['best']['label_accuracy']['value']:g} mm" in result.output


def test_the_command_knows_the_chests_of_the_people_it_invented(tmp_path: Path, params: str) -> None:
    one = known(20)
    for subject in ("S1", "S9"):
        write_pack(tmp_path / "packed", subject, replace(one, identity=np.array([f"{subject}-01", f"{subject}-30"] * 10)))
    result = CliRunner().invoke(main, [str(tmp_path / "packed"), str(tmp_path / "out"), "--params", params])
    assert result.exit_code == 0, result.output
    ratio = json.loads((tmp_path / "out" / "sweep.json").read_text(encoding="utf-8"))["chest_ratio"]
    assert 180 < ratio["mean_chest_depth"] < 300


def test_the_command_says_that_accuracy_needs_truth_and_takes_labels_by_hand(tmp_path: Path, params: str) -> None:
    one = replace(known(10), truth=None, clear=None)
    for subject in ("S1", "S9"):
        write_pack(tmp_path / "packed", subject, one)
    arguments = [str(tmp_path / "packed"), str(tmp_path / "out"), "--params", params]
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 0, result.output
    assert "no truth" in result.output
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"sweep.json", "thickness.png", "radius.png"}
    truth = known(10).truth
    hand = write_hand_labels(tmp_path / "hand.csv", [["S9", "Walking", "7", i, *truth[i]] for i in range(10)])
    result = CliRunner().invoke(main, [*arguments, "--labels", str(hand)])
    assert result.exit_code == 0, result.output
    assert "best: " in result.output
    result = CliRunner().invoke(main, [*arguments, "--labels", str(write_hand_labels(hand, []))])
    assert (result.exit_code, result.output) == (1, f"Error: {hand}: expected at least one labelled picture, found none\n")
