"""Locks are taken over to code that computes the same, without the outputs, and only where that is known."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from pipeline.utils.errors import UserError
from recipes.take_over import AGREES, STALE, TAKEN, Outcome, summary, take_over

GRAPH = """
stages:
  double:
    cmd: python stages/double.py doubled
    deps: [pipeline/numbers.py, pipeline/utils, stages/double.py, recording]
    params: [factor, sizes]
    outs: [doubled]
  total:
    cmd: python stages/total.py doubled total.json
    deps: [stages/total.py, doubled]
    outs: [{total.json: {cache: false}}]
"""
FILES = {
    "dvc.yaml": GRAPH,
    "params.yaml": "factor: 2\nsizes: {a: 1, b: 2}\n",
    "recipes/tiny/params.yaml": "factor: 7\nsizes: {a: 0, c: 5}\nkind: body\n",
    "recording": "3\n",
    "pipeline/numbers.py": "FACTOR = 2\n",
    "pipeline/utils/text.py": "",
    "stages/double.py": "import sys\nopen(sys.argv[1], 'w').write(str(2 * int(open('recording').read())))\n",
    "stages/total.py": "import sys\nopen(sys.argv[2], 'w').write(open(sys.argv[1]).read())\n",
}


class Project:
    """A small repository of its own whose graph has run."""

    def __init__(self, root: Path, private: Path) -> None:
        self.root = root
        env = {name: value for name, value in os.environ.items() if not name.startswith(("GIT_", "DVC_", "PYTEST_"))}
        self.env = env | {
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{env['PATH']}",
            "DVC_NO_ANALYTICS": "1",
            "DVC_SITE_CACHE_DIR": str(private),
        }
        self.run("git", "init", "--quiet", "--initial-branch=main")
        self.run("git", "config", "user.name", "A User")
        self.run("git", "config", "user.email", "user@example.com")
        self.dvc("init", "--quiet")
        self.write(FILES)
        self.dvc("repro")
        self.commit()

    def run(self, *command: str) -> str:
        done = subprocess.run(command, cwd=self.root, env=self.env, check=False, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def dvc(self, *command: str) -> str:
        return self.run(sys.executable, "-m", "dvc", *command)

    def write(self, files: dict[str, str]) -> None:
        for name, text in files.items():
            (self.root / name).parent.mkdir(parents=True, exist_ok=True)
            (self.root / name).write_text(text, encoding="utf-8")

    def commit(self) -> None:
        self.run("git", "add", "--all")
        self.run("git", "commit", "--quiet", "--allow-empty", "--message", "A change")

    def lock(self) -> dict:
        return YAML(typ="safe").load(self.root / "dvc.lock")["stages"]


@pytest.fixture
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    return Project(tmp_path_factory.mktemp("project"), tmp_path_factory.mktemp("site"))


def test_moved_code_and_new_names_are_taken_over_without_the_outputs(project: Project) -> None:
    before = project.lock()
    project.run("git", "mv", "pipeline/numbers.py", "pipeline/factors.py")
    project.write(
        {
            "dvc.yaml": GRAPH.replace("pipeline/numbers.py", "pipeline/factors.py").replace("[factor, sizes]", "[factor, sizes, kind]"),
            "params.yaml": "factor: 2\nsizes: {b: 2, c: 5}\nkind: body\n",
            "pipeline/utils/text.py": "# a comment\n",
        }
    )
    project.commit()
    (project.root / "doubled").unlink()
    project.run("rm", "-r", ".dvc/cache")
    assert take_over("HEAD~1", project.root) == [Outcome("dvc.lock", "double", TAKEN), Outcome("dvc.lock", "total", AGREES)]
    after = project.lock()
    assert after["total"] == before["total"]
    assert after["double"]["outs"] == before["double"]["outs"]
    assert [dep["path"] for dep in after["double"]["deps"]] == ["pipeline/factors.py", "pipeline/utils", "recording", "stages/double.py"]
    assert after["double"]["params"]["params.yaml"] == {"factor": 2, "kind": "body", "sizes": {"b": 2, "c": 5}}
    (project.root / "doubled").write_text("6", encoding="utf-8")  # what another machine's cache would bring
    assert "changed deps" not in project.dvc("status")
    project.commit()
    assert {outcome.what for outcome in take_over("HEAD~1", project.root)} == {AGREES}


@pytest.mark.parametrize(
    ("file", "text", "fault"),
    [
        ("params.yaml", "factor: 3\nsizes: {a: 1, b: 2}\n", "other values than in its lock: factor"),
        ("params.yaml", "factor: 2\nsizes: {a: 1, b: 4}\n", "other values than in its lock: sizes.b"),
        (
            "params.yaml",
            "factor: 2\nsizes: {a: 1, b: 2, c: 6}\n",
            "new parameters, and other values than `make identical` ran with: sizes.c",
        ),
        ("dvc.yaml", GRAPH.replace("outs: [doubled]", "outs: [doubled, more]"), "its lock has nothing of more"),
        ("dvc.yaml", GRAPH.replace("recording]", "recording, another]"), "its lock has nothing of another"),
        ("dvc.yaml", GRAPH.replace("  double:", "  twice:"), "the base has no such stage"),
    ],
)
def test_a_stage_whose_results_are_not_known_is_refused(project: Project, file: str, text: str, fault: str) -> None:
    before = project.lock()
    project.write({file: text, "stages/total.py": f"# a comment\n{FILES['stages/total.py']}"})
    project.commit()
    first, second = take_over("HEAD~1", project.root)
    assert sorted([first.what, second.what]) == sorted([fault, TAKEN])
    assert project.lock()["double"] == before["double"]
    assert any(line.startswith(("dvc.lock: double: refused: ", "dvc.lock: twice: refused: ")) for line in summary([first, second]))
    assert summary([first, second])[-1] == "dvc.lock: 2 stages: 1 refused, 1 taken over"


def test_null_is_the_number_that_follows_the_size_of_the_images(project: Project) -> None:
    """Discs of 4 px may be left to the rule, which draws them so at 128 x 64 px; others may not."""
    graph = GRAPH.replace("[factor, sizes]", "[pose.heatmap_radius]")
    outcomes = {}
    for radius in (4, 3):
        project.write({"dvc.yaml": graph, "params.yaml": f"data: {{image_size: [128, 64]}}\npose: {{heatmap_radius: {radius}}}\n"})
        project.dvc("repro")
        project.commit()
        project.write({"params.yaml": "data: {image_size: [128, 64]}\npose: {heatmap_radius: null}\n"})
        project.commit()
        outcomes[radius] = take_over("HEAD~1", project.root)[0].what
        assert project.lock()["double"]["params"]["params.yaml"] == {"pose.heatmap_radius": None if radius == 4 else 3}
    assert outcomes == {4: TAKEN, 3: "other values than in its lock: pose.heatmap_radius"}


def test_a_lock_that_did_not_agree_with_the_base_is_refused(project: Project) -> None:
    project.write({"pipeline/numbers.py": "FACTOR = 3\n"})
    project.commit()
    project.write({"pipeline/numbers.py": "FACTOR = 3  # and a comment\n"})
    project.commit()
    outcomes = take_over("HEAD~1", project.root)
    assert [outcome.what for outcome in outcomes] == [STALE, AGREES]
    assert summary(outcomes)[0] == f"dvc.lock: double: {STALE}"
    assert project.run("git", "status", "--porcelain") == ""


def test_changes_that_are_in_no_commit_and_an_unknown_base_are_one_line(project: Project) -> None:
    with pytest.raises(UserError, match="no_such"):
        take_over("no_such", project.root)
    project.write({"pipeline/numbers.py": "FACTOR = 3\n"})
    with pytest.raises(UserError, match="changes that are in no commit"):
        take_over("HEAD", project.root)
