"""Benchmarks that take what a user has: other people's codes, packs of a run. What is missing is one line."""

import json
from multiprocessing import get_context
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from small_recording import write_recording

from benchmarks import bench_peers, bench_quality, real
from benchmarks.bench_quality import PUBLISHED, Clock, Scored, TimeIsUp, Turns, first_reached, summary, write
from pipeline.utils.images import decode

PEERS = {"--pg2": bench_peers.PG2, "--vunet": bench_peers.VUNET, "--faces": bench_peers.FACES}
REACHED = [
    Scored(PUBLISHED, 100.0, 10, 0.5, 0.1),
    Scored("default", 20.0, 5, 0.55, 0.09),
    Scored(PUBLISHED, 300.0, 30, 0.6, 0.08),
    Scored("default", 60.0, 15, 0.65, 0.07),
]


SMALL = {
    "data.image_size": "[32, 16]",
    "data.fps": 50,
    "pose.background": "plate",
    "pairs.train": 40,
    "pairs.test": 40,
    "pairs.min_distance": 1,
    "model.blocks": 3,
    "model.filters": 4,
    "train_lifter.views": 60,
    "train_lifter.steps": 4,
    "train_lifter.width": 8,
    "train_g1.batch_size": 4,
    "train_g2.batch_size": 4,
}


def run(*words: str | Path) -> Result:
    return CliRunner().invoke(bench_peers.main, [str(word) for word in words])


def test_without_a_checkout_it_says_what_to_give() -> None:
    done = run()
    assert done.exit_code == 0
    assert all(f"{option} " in done.output and peer.repository in done.output for option, peer in PEERS.items())


@pytest.mark.parametrize("option", PEERS)
def test_a_folder_that_is_no_checkout_is_one_line(option: str, tmp_path: Path) -> None:
    done, peer = run(option, tmp_path), PEERS[option]
    assert done.exit_code == 1
    assert done.output.count("\n") == 1
    assert f"commit {peer.commit} of {peer.repository}), found no {peer.files[0]}" in done.output


def test_a_checkout_of_another_state_is_one_line(tmp_path: Path) -> None:
    for name in bench_peers.FACES.files:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("import a_module_that_is_nowhere\n", encoding="utf-8")
    done = run("--faces", tmp_path)
    assert done.exit_code == 1
    assert "a_module_that_is_nowhere" in done.output
    assert "check that commit out" in done.output


def test_without_packs_it_says_how_to_make_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench_quality, "ROOT", tmp_path)
    done = CliRunner().invoke(bench_quality.main)
    assert done.exit_code == 0
    assert "packed: not there; `make repro` makes the packs and pairs" in done.output


def test_a_goal_is_reached_by_the_first_score_that_is_as_good() -> None:
    assert first_reached(REACHED, PUBLISHED, 0.6) == 300
    assert first_reached(REACHED, "default", 0.6) == 60
    assert first_reached(REACHED, PUBLISHED, 0.65) is None


def test_the_table_ends_with_what_pg2_ended_with() -> None:
    lines = [line.split() for line in summary(REACHED, [0.65, 0.5]).splitlines()[1:]]
    assert lines[0] == ["0.500", "100", "s", "20", "s", "5.0"]
    assert lines[1] == ["0.650", "not", "yet", "60", "s"]
    assert lines[2] == ["0.600", "(last)", "300", "s", "60", "s", "5.0"]


def test_scores_are_written_as_a_table_and_a_plot(tmp_path: Path) -> None:
    write(tmp_path / "out", REACHED)
    lines = (tmp_path / "out" / "quality.tsv").read_text(encoding="utf-8").splitlines()
    assert lines[:2] == ["way\tseconds\tstep\tssim\tl1", "pg2-2d\t100.0\t10\t0.5\t0.1"]
    assert (tmp_path / "out" / "quality.png").stat().st_size > 1000


def test_turns_go_round_and_skip_who_has_left() -> None:
    turns = Turns(get_context("spawn"), 3)
    turns.wait(0)
    turns.hand_on(0)
    turns.wait(1)
    turns.leave(1)
    turns.wait(2)
    turns.hand_on(2)
    turns.wait(0)
    turns.leave(2)
    turns.hand_on(0)
    turns.wait(0)


def test_a_clock_stands_still_between_turns_and_ends_at_its_end() -> None:
    clock = Clock(Turns(get_context("spawn"), 1), 0, end=1e-9)
    clock.run()
    with pytest.raises(TimeIsUp):
        clock.take_turns()
    seconds = clock.seconds
    assert seconds > 0
    assert clock.seconds == seconds


def test_a_recording_is_trained_on_for_a_stated_time_and_scored(tmp_path: Path) -> None:
    write_recording(tmp_path / "recording")
    changes = [word for name, value in SMALL.items() for word in ("--set", f"{name}={value}")]
    done = CliRunner().invoke(real.main, [str(tmp_path / "recording"), str(tmp_path / "out"), "--minutes", "0.01", *changes])
    assert done.exit_code == 0, done.output
    figures = json.loads((tmp_path / "out" / "real.json").read_text())
    assert figures["steps"] == {"train_g1": real.TRIED, "train_g2": real.TRIED}
    for block in ("same_camera", "across_cameras"):
        assert figures[block]["pairs"] > 0
        assert {"ssim", "mask_l1", "outside_l1", "outline_l1"} < set(figures[block]["refined"])
    assert decode((tmp_path / "out" / "real.png").read_bytes()) is not None


def test_a_recording_of_one_person_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "recording" / "S1" / "MyPoseFeatures").mkdir(parents=True)
    done = CliRunner().invoke(real.main, [str(tmp_path / "recording"), str(tmp_path / "out")])
    assert done.exit_code == 1
    assert "expected at least two subjects in Human3.6M's layout, one of them to score, found S1" in done.output
