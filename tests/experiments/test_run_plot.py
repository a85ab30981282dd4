"""What the plot of a list of runs shows."""

from pathlib import Path

from some_runs import METRICS, a_run

from experiments.plot import plot
from experiments.results import Result
from experiments.runs import read_list

ROOT = Path(__file__).resolve().parents[2]


def test_the_plot_names_each_run_that_has_both_scores() -> None:
    without = {"refined": METRICS["refined"]}
    figure = plot([Result(a_run("a"), "done", metrics=METRICS), Result(a_run("b"), "done", metrics=without), Result(a_run("c"), "failed")])
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["a"]
    assert not plot([Result(a_run("c"), "failed")]).legends


def test_the_plot_tells_apart_as_many_runs_as_the_longest_list_has() -> None:
    count = max(len(read_list(path).runs) for path in (ROOT / "experiments").glob("*.yaml"))
    figure = plot([Result(a_run(f"run-{number}"), "done", metrics=METRICS) for number in range(count)])
    looks = [(line.get_color(), line.get_marker()) for line, *_ in figure.axes[0].containers]
    assert len(set(looks)) == len(looks) == count > 1
