"""What is kept of results, and when they still hold."""

from dataclasses import replace
from pathlib import Path

import pytest
from some_runs import METRICS, a_run

from experiments.minutes import minutes_in
from experiments.recipe import Recipe
from experiments.results import Result, kept, result_or_earlier, to_json
from experiments.snapshot import Experiment, Snapshot
from pipeline.utils.progress import ProgressLine

ROOT = Path(__file__).resolve().parents[2]


def test_the_results_hold_overrides_revision_and_all_metrics() -> None:
    (one,) = to_json([Result(a_run("a", **{"pose.depth": False}), "done", experiment="0123", metrics=METRICS, commit="abc")])["runs"]
    assert (one["set"], one["experiment"], one["metrics"], one["commit"]) == ({"pose.depth": False}, "0123", METRICS, "abc")


def test_a_result_is_kept_while_code_and_parameters_are_the_same() -> None:
    done = Result(a_run("a", **{"pose.depth": False}), "done", experiment="0123", metrics=METRICS, commit="abc", origin="x")
    others = replace(done, run=a_run("b")), replace(done, run=a_run("edited"), edited=True), Result(a_run("c"), "not run", origin="x")
    document = to_json([*others, done])
    assert kept(document, done.run, "x") == done
    assert kept(document, done.run, "y") is None
    for run in (a_run("edited"), a_run("c"), a_run("new")):
        assert kept(document, run, "x") is None
    assert kept({}, done.run, "x") is None


def test_results_of_before_minutes_were_kept_have_none() -> None:
    done = Result(a_run("a"), "done", experiment="0123", metrics=METRICS, commit="abc", origin="x", minutes={"coarse": 8.5})
    document = to_json([done])
    assert kept(document, done.run, "x") == done
    del document["runs"][0]["minutes"]
    assert kept(document, done.run, "x") == replace(done, minutes={})


def test_a_run_that_was_not_trained_again_took_what_it_took_before() -> None:
    """DVC's cache of runs has its weights, so that nothing says how long they took."""
    recipe, run = Recipe(None), a_run("a")
    experiment = Experiment("success", "HEAD", None, None, {"x": 1}, METRICS)
    snapshot = Snapshot("HEAD", {}, {"x": 1}, {recipe.experiment(run): experiment})
    before = Result(run, "done", experiment="0123", metrics=METRICS, minutes={"coarse": 8.5})
    now = result_or_earlier(recipe, run, snapshot, {"a": before})
    assert (now.experiment, now.minutes) == ("HEAD", before.minutes)
    assert result_or_earlier(recipe, run, snapshot, {"a": replace(before, metrics={})}).minutes == {}
    assert result_or_earlier(recipe, run, replace(snapshot, experiments={}), {"a": before}) == before


def test_minutes_are_those_of_whole_trainings(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """By the lines that a training itself writes; one that went on from a checkpoint says nothing of the whole."""
    for name, start, took in (("train_g1", 0, 510), ("train_g2", 0, 96), ("train_lifter", 0, 9)):
        monkeypatch.setattr("time.monotonic", lambda: 0.0)
        with ProgressLine(name, 1500, start, "images", 16) as progress:
            progress.tick(1500, "l1 0.152")
            monkeypatch.setattr("time.monotonic", lambda took=took: float(took))
    said = capsys.readouterr().err
    assert minutes_in(f"Running stage 'train_g1':\n{said}") == {"coarse": 8.5, "refined": 10.1}
    assert minutes_in(said.replace("train_g1: step 0 ", "train_g1: step 700 ")) == {}
    assert minutes_in(said.replace("train_g2: step 0 ", "train_g2: step 300 ")) == {"coarse": 8.5}
    assert minutes_in("train_g1: step 900 of 1500, 47 images/s, 5.2 min left") == {}


def test_a_recipe_is_made_of_its_graphs_and_the_modules_that_its_stages_import() -> None:
    code = Recipe("faces").code
    assert {"recipes/faces/dvc.yaml", "recipes/faces/data/dvc.yaml", "stages/train_g1.py", "pipeline/networks/unet.py"} <= set(code)
    assert not {"dvc.yaml", "pipeline/datasets/human36m/extract.py", "pipeline/page/app.py", "pipeline/training/lifter.py"} & set(code)
    assert all((ROOT / file).is_file() for file in code)
