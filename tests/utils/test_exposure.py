"""Recordings stay out of commits: what lies in data/ is ignored, and whatever else lies in the clone is warned of."""

import shutil
import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner
from dvc.repo import Repo
from hypothesis import given, settings
from hypothesis import strategies as st
from scmrepo.git import Git

from pipeline.utils.exposure import exposure
from stages import validate

REPOSITORY = Path(__file__).resolve().parents[2]
GRAPHS = ("dvc.yaml", "data/dvc.yaml", "recipes/tiny/dvc.yaml", "recipes/tiny/data/dvc.yaml")


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository with the project's ignore rules and its graphs, without their code."""
    folder = tmp_path_factory.mktemp("clone").resolve()
    for name in (".gitignore", ".dvcignore", ".dvc/config", "params.yaml", "recipes/tiny/params.yaml", *GRAPHS):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(REPOSITORY / name, folder / name)
    (folder / "data/dvc.lock").write_text("schema: '2.0'\n", encoding="utf-8")
    subprocess.run(["git", "init", "--quiet"], cwd=folder, check=True)
    return folder


def ignored_by_git(clone: Path, name: str) -> bool:
    return subprocess.run(["git", "check-ignore", "--quiet", name], cwd=clone, check=False).returncode == 0


@pytest.mark.parametrize("folder", ["data", "recipes/tiny/data"])
def test_in_data_everything_is_ignored_but_the_projects_files(clone: Path, folder: str) -> None:
    git = Git(str(clone))  # as DVC asks, which reads the rules in its own way
    for name in ("dvc.yaml", "dvc.lock"):
        assert not ignored_by_git(clone, f"{folder}/{name}")
        assert not git.is_ignored(str(clone / folder / name))
    assert not git.is_ignored(f"{clone / folder}/")
    for name in (
        "h36m/metadata.xml",
        "h36m/S1/Videos/Sitting 1.1.mp4",
        "S1/a.cdf",
        "metadata.xml",
        "checked",
        "d/a",
        "dvc/a",
        "davis/a",
        ".a",
        "ü.mp4",
    ):
        assert ignored_by_git(clone, f"{folder}/{name}"), name
        assert git.is_ignored(str(clone / folder / name)), name


@settings(max_examples=60, deadline=None)
@given(st.text("adcv.lyk-_ü0", min_size=1, max_size=8).filter(lambda name: name not in (".", "..") and not name.startswith(("dvc.l", "dvc.y"))))
def test_whatever_its_name(clone: Path, name: str) -> None:
    assert ignored_by_git(clone, f"data/{name}/a.mp4")
    assert Git(str(clone)).is_ignored(str(clone / "data" / name))


def test_dvc_finds_every_graph_and_output(clone: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(clone)
    with Repo(str(clone)) as repo:
        stages = {stage.addressing for stage in repo.index.stages}
        outs = {str(out) for out in repo.index.outs}
    assert {"validate", "index", "recipes/tiny/dvc.yaml:index", "data/dvc.yaml:synthesize", "recipes/tiny/data/dvc.yaml:synthesize"} <= {
        stage.replace("\\", "/") for stage in stages
    }
    assert {"data/synthetic", "data/manifest", "recipes/tiny/data/synthetic"} <= outs


@pytest.mark.parametrize(
    ("root", "warned"),
    [
        ("data/h36m", False),
        ("data", False),
        ("data/synthetic", False),
        ("h36m", True),
        ("a/b/h36m", True),
        ("recipes/tiny/data/fei", False),
    ],
)
def test_recordings_in_the_clone_are_warned_of(clone: Path, monkeypatch: pytest.MonkeyPatch, root: str, warned: bool) -> None:
    monkeypatch.chdir(clone)
    warning = exposure(Path(root))
    assert (warning is not None) == warned
    assert warning is None or (f"add the line /{root}/ to .gitignore" in warning and "\n" not in warning)


def test_the_whole_clone_cannot_be_ignored(clone: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(clone)
    assert str(exposure(Path())).endswith("would put its files into commits; keep the recordings elsewhere")


def test_a_rule_a_link_or_another_place_silences_the_warning(clone: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(clone)
    assert exposure(tmp_path) is None
    assert exposure(Path("our recordings")) is not None
    (clone / "our recordings").symlink_to(tmp_path)
    assert exposure(Path("our recordings")) is None
    (clone / "our recordings").unlink()
    (clone / ".git/info/exclude").write_text("/our recordings/\n", encoding="utf-8")
    assert exposure(Path("our recordings")) is None
    monkeypatch.chdir(tmp_path)  # no repository
    assert exposure(clone / "h36m") is None
    monkeypatch.chdir(clone)
    monkeypatch.setenv("PATH", "")  # no git
    assert exposure(Path("h36m")) is None


def test_validate_says_it_in_one_line(clone: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(clone)
    for params, changed in ((REPOSITORY / "params.yaml", "data/synthetic"), (REPOSITORY / "recipes/faces/params.yaml", "recipes/faces/data/fei")):
        text = params.read_text(encoding="utf-8").replace("pose_net: models/pretrained/pose_net.safetensors\n", "pose_net: null\n")
        assert f"root: {changed}\n" in text
        for root, lines in ((changed, 0), ("pictures", 1)):
            (tmp_path / "params.yaml").write_text(text.replace(f"root: {changed}\n", f"root: {root}\n"), encoding="utf-8")
            result = CliRunner().invoke(validate.main, [str(tmp_path / "checked"), "--params", str(tmp_path / "params.yaml"), "--force"])
            assert result.exit_code == 0, result.output
            assert result.output.count("warning: pictures lies inside the repository") == lines == len(result.output.splitlines())
