"""Which figures of a table are marked, from the differences that are kept."""

from dataclasses import replace
from pathlib import Path

import pytest
from some_runs import METRICS, a_run

from experiments.differences import Compared, kept_differences, wanted
from experiments.marks import make_marks
from experiments.results import Result, to_json
from experiments.runs import RunList, read_list
from experiments.table import table
from pipeline.utils.errors import UserError
from pipeline.utils.files import write_json

RUNS = tuple(a_run(name) for name in ("base", "seed", "better", "lost"))
LISTED = RunList(runs=RUNS, against="base", seeds=(("base", "seed"),))
RESULTS = [Result(run, "done", experiment=run.name, metrics=METRICS) for run in RUNS]


def compared(second: str, **scores: tuple[float, float, float]) -> Compared:
    return Compared(first="base", second=second, experiments=("base", second), scores={"refined": scores})


FOUND = (
    compared("seed", ssim=(0.002, 0.001, 0.003), l1=(0.001, -0.001, 0.003), order_accuracy=(0.01, -0.01, 0.02)),
    compared("better", ssim=(-0.004, -0.005, -0.003), l1=(-0.001, -0.002, -0.0005), mask_ssim=(0.1, 0.0, 0.2), order_accuracy=(0.02, 0.01, 0.03)),
)


def test_more_than_other_people_and_more_than_another_seed_would_make() -> None:
    marks = make_marks(LISTED, RESULTS, FOUND)
    assert marks.signs == {
        ("seed", "refined", "ssim"): "*",
        ("better", "refined", "ssim"): "**",
        ("better", "refined", "l1"): "*",
        ("better", "refined", "order_accuracy"): "**",
    }
    text = table(RESULTS, marks=marks)
    assert "| `better` | what better is | 0.6610** | 0.8000 | 0.0500* | 0.7000 | 0.9700 | 0.551 (0.530 to 0.570)** |" in text
    assert "| `base` | what base is | 0.6610 | 0.8000 | 0.0500 | 0.7000 | 0.9700 | 0.551 (0.530 to 0.570) |" in text
    assert "larger than between runs that differ in the seed alone (`base` and `seed`)." in text
    assert "Without marks, because their scores of every pair are not at hand: `lost`." in text
    rows = table(RESULTS, ("coarse", "refined"), marks=marks).splitlines()
    assert "| `better` | what better is | refined (+ G2) | 0.6610 ± 0.050** | 0.8000 | 0.0500* | 0.7000 | 0.551 (0.530 to 0.570)** |" in rows
    assert "| `better` | what better is | coarse (G1) | 0.6500 ± 0.051 | 0.7900 | 0.0510 | 0.6000 | 0.540 |" in rows


def test_nothing_is_invented() -> None:
    """Without a second seed nothing is more than it makes; without differences, or a run to compare with, nothing is marked."""
    marks = make_marks(LISTED.model_copy(update={"seeds": ()}), RESULTS, FOUND)
    assert set(marks.signs.values()) == {"*"}
    assert "what another seed makes is not known" in marks.notes[0]
    none = make_marks(LISTED, RESULTS, ())
    assert (none.signs, none.notes) == ({}, ["Without marks, because the scores of every pair are not at hand."])
    alone = make_marks(LISTED.model_copy(update={"against": None}), RESULTS, FOUND)
    assert (alone.signs, alone.notes) == ({}, ())


def test_differences_are_kept_with_the_results(tmp_path: Path) -> None:
    """While the figures of both runs are the same, whichever experiment they are of."""
    path = tmp_path / "results.json"
    assert kept_differences(path, RESULTS) == ()
    write_json(path, to_json(RESULTS) | {"compared": [one.model_dump(mode="json") for one in FOUND]})
    assert kept_differences(path, RESULTS) == FOUND
    again = [replace(one, experiment="another") for one in RESULTS]
    assert kept_differences(path, again) == FOUND
    changed = [replace(one, metrics=METRICS | {"pairs": 7}) if one.run.name == "seed" else one for one in RESULTS]
    assert kept_differences(path, changed) == FOUND[1:]
    write_json(path, {"compared": [{"first": "base"}]})
    with pytest.raises(UserError, match=r"results\.json: .*restore the file or remove it"):
        kept_differences(path, RESULTS)


def test_a_list_says_what_is_compared(tmp_path: Path) -> None:
    assert list(wanted(LISTED)) == [("base", "seed"), ("base", "better"), ("base", "lost")]
    assert list(wanted(LISTED.model_copy(update={"seeds": (("better", "lost"),)})))[-1] == ("better", "lost")
    for faulty in ("against: bad", "seeds: [[good, bad]]"):
        (tmp_path / "list.yaml").write_text(f"{faulty}\nruns: [{{name: good, about: x, set: {{}}}}]\n", encoding="utf-8")
        with pytest.raises(UserError, match="no run is named bad"):
            read_list(tmp_path / "list.yaml")
