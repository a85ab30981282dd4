"""What the table of a list of runs says."""

from pathlib import Path

import pytest
from some_runs import METRICS, a_run

from experiments.plot import plot
from experiments.results import Result
from experiments.runs import read_list
from experiments.table import order_text, table
from pipeline.utils.errors import UserError


def test_the_table_has_a_row_per_result_and_names_what_failed() -> None:
    results = [
        Result(a_run("good"), "done", experiment="0123456789", metrics=METRICS, commit="abcdef0123"),
        Result(a_run("bad"), "failed", "the disk is full"),
        Result(a_run("late"), "not run"),
        Result(a_run("old"), "done", edited=True, metrics={"refined": {"ssim": None}}, commit="9876543210"),
    ]
    text = table(results)
    assert "| `good` | what good is | 0.6610 | 0.8000 | 0.0500 | 0.7000 | 0.9700 | 0.551 (0.530 to 0.570) |" in text
    assert "| `bad` | what bad is | **failed** |" in text
    assert "| `old` | what old is | – | – | – | – | – | – |" in text
    assert "`bad` failed: the disk is full." in text
    assert "Not run: `late`." in text
    assert "edits that the commit does not have: `old`." in text
    assert "experiments of commits `abcdef0`, `9876543`." in text
    rows = [line for line in text.splitlines() if line.startswith("|")]
    assert len(rows) == 2 + 3
    assert len({row.count("|") for row in rows}) == 1


def test_an_order_accuracy_without_interval_stands_alone() -> None:
    assert order_text({"depth": {"order_by_image": {"coarse": {"order_accuracy": 0.5506}}}}, "coarse") == "0.551"


def test_a_table_of_images_has_the_truth_the_baselines_and_a_row_per_image() -> None:
    results = [
        Result(a_run("good"), "done", metrics=METRICS, commit="abcdef0123"),
        Result(a_run("bad"), "failed", "the disk is full"),
        Result(a_run("late"), "not run"),
    ]
    rows = [line for line in table(results, ("coarse", "refined")).splitlines() if line.startswith("|")]
    assert rows[2:] == [
        "|  |  | the true images | 1.0000 | 1.0000 | 0.0000 | 1.0000 | 1.000 |",
        "|  |  | the source image itself | 0.4000 ± 0.100 | 0.5000 | 0.1000 | 1.0000 | – |",
        "| `good` | what good is | coarse (G1) | 0.6500 ± 0.051 | 0.7900 | 0.0510 | 0.6000 | 0.540 |",
        "| `good` | what good is | refined (+ G2) | 0.6610 ± 0.050 | 0.8000 | 0.0500 | 0.7000 | 0.551 (0.530 to 0.570) |",
        "| `bad` | what bad is | failed |  |  |  |  |  |",
    ]
    assert len({row.count("|") for row in rows}) == 1


def test_a_table_of_images_shows_inception_based_scores_where_there_are_any() -> None:
    metrics = {**METRICS, "refined": {**METRICS["refined"], "inception_score": 3.1, "clean_fid": 20.5}, "inception": {"truth_score": 3.4}}
    rows = table([Result(a_run("good"), "done", metrics=metrics)], ("refined",)).splitlines()
    assert "| Inception score | clean-FID |" in rows[0]
    assert "| 1.0000 | 3.4000 | 0.0000 | 1.000 |" in rows[2]
    assert "| 0.7000 | 3.1000 | 20.5000 | 0.551" in rows[4]


def test_tables_say_whether_the_pose_is_painted_where_that_was_measured() -> None:
    metrics = {**METRICS, "refined": {**METRICS["refined"], "pck": 0.91}, "pose_net": {"truth_pck": 0.95}}
    results = [
        Result(a_run("good"), "done", metrics=metrics),
        Result(a_run("old"), "done", metrics=METRICS),
        Result(a_run("bad"), "failed", "no disk"),
    ]
    rows = table(results, ("refined",)).splitlines()
    assert "| sharpness | PCKh | order accuracy |" in rows[0]
    assert "| 1.0000 | 0.9500 | 1.000 |" in rows[2]
    rows = [line for line in table(results).splitlines() if line.startswith("|")]
    assert "| label accuracy | PCKh | order accuracy |" in rows[0]
    assert "| 0.9700 | 0.9100 | 0.551 (0.530 to 0.570) |" in rows[2]
    assert "| 0.9700 | – | 0.551 (0.530 to 0.570) |" in rows[3]
    assert len({row.count("|") for row in rows}) == 1


def test_tables_have_the_interval_of_the_ssim_where_it_is_known() -> None:
    metrics = {**METRICS, "refined": {**METRICS["refined"], "ssim_low": 0.6512, "ssim_high": 0.6707}}
    results = [Result(a_run("good"), "done", metrics=metrics), Result(a_run("old"), "done", metrics=METRICS)]
    assert "| `good` | what good is | 0.6610 (0.651 to 0.671) | 0.8000 |" in table(results)
    assert "| `old` | what old is | 0.6610 | 0.8000 |" in table(results)
    text = table(results, ("refined",))
    assert "| refined (+ G2) | 0.6610 (0.651 to 0.671) | 0.8000 |" in text
    assert "| refined (+ G2) | 0.6610 ± 0.050 | 0.8000 |" in text
    assert "Means over the same test pairs, in brackets 95 % intervals over people" in text
    assert "Mean and standard deviation over the same test pairs" in table([results[1]], ("refined",))


def test_a_table_says_how_long_the_trainings_of_an_image_took_where_that_is_known() -> None:
    results = [
        Result(a_run("good"), "done", metrics=METRICS, minutes={"coarse": 8.5, "refined": 10.3}),
        Result(a_run("half"), "done", metrics=METRICS, minutes={}),  # its G1 was in the cache
        Result(a_run("bad"), "failed", "no disk"),
    ]
    rows = [line for line in table(results, ("coarse", "refined")).splitlines() if line.startswith("|")]
    assert rows[0].endswith("| order accuracy | minutes |")
    assert [row.split(" | ")[-1] for row in rows[2:]] == [" |", " |", "8.5 |", "10.3 |", "– |", "– |", " |"]
    assert len({row.count("|") for row in rows}) == 1
    rows = [line for line in table(results).splitlines() if line.startswith("|")]
    assert [row.split(" | ")[-1] for row in rows[2:]] == ["10.3 |", "– |", " |"]
    assert len({row.count("|") for row in rows}) == 1


def test_a_list_chooses_its_scores_and_has_no_order_where_nothing_has_limbs(tmp_path: Path) -> None:
    face = {image: {"ssim_pg2": 0.8, "ssim_gray": 0.9, "sharpness": 0.7, "ssim": 0.75} for image in ("source", "coarse", "refined")}
    result = Result(a_run("good"), "done", metrics=face)
    text = table([result], ("refined",), ("SSIM (grey)", "SSIM (7x7 RGB)", "L1"))
    rows = [line for line in text.splitlines() if line.startswith("|")]
    assert rows[0] == "| run | what it is | image | SSIM (grey) | SSIM (7x7 RGB) |"
    assert rows[-1] == "| `good` | what good is | refined (+ G2) | 0.9000 | 0.8000 |"
    assert "order accuracy" not in text
    figure = plot([result])
    assert "sharpness" in figure.axes[0].get_ylabel()
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["good"]
    for faulty, fault in (
        ("scores: [SSIM, beauty]", "beauty: unknown"),
        ("figures: {one: [bad]}", "no run is named bad"),
        ("figures: {one: []}", "found none"),
    ):
        (tmp_path / "list.yaml").write_text(f"{faulty}\nruns: [{{name: good, about: x, set: {{}}}}]\n", encoding="utf-8")
        with pytest.raises(UserError, match=fault):
            read_list(tmp_path / "list.yaml")
