"""The data stages on a Dask cluster as users start one; what goes wrong there is one line, or comes out right."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dask_cluster
import numpy as np
import pytest
from click.testing import CliRunner
from dask_cluster import ROOT
from dask_tasks import LONGEST, die_before_the_next_file, fail_or_wait, kill_worker, note, note_and_wait, process_and_folder, settings, wait_until
from ruamel.yaml import YAML
from small_recording import pictures

from pipeline import parallel
from pipeline.config.data import DataConfig
from pipeline.datasets.human36m.encode import write_video
from pipeline.datasets.human36m.extract import extract_subject
from pipeline.parallel import AHEAD_ON_CLUSTER, check_same, installed, iterate_parallel, run_parallel
from pipeline.utils.errors import UserError
from pipeline.utils.files import file_hash
from stages import extract, index, pack, project, synthesize

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="kills processes by their groups")


@dataclass
class Cluster:
    """A scheduler's file and process, and the folder of the cluster."""

    file: Path
    process: subprocess.Popen[bytes]
    folder: Path

    @property
    def address(self) -> str:
        return dask_cluster.address(self.file)


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Two workers, each in a folder of its own."""
    folder = tmp_path_factory.mktemp("cluster")
    with (
        dask_cluster.scheduler(folder / "scheduler") as (file, process),
        dask_cluster.worker(file, folder / "first"),
        dask_cluster.worker(file, folder / "second"),
    ):
        yield Cluster(file, process, folder)


@pytest.fixture(scope="module")
def lonely(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A scheduler to which each test brings the workers that it is about; it gives a piece up with the second worker that ends."""
    folder = tmp_path_factory.mktemp("lonely")
    with dask_cluster.scheduler(folder / "scheduler", DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES="1") as (file, process):
        yield Cluster(file, process, folder)


def refused(scheduler: object, function: Any = abs, items: tuple[Any, ...] = (-1, -2)) -> str:
    """The line with which the work ends."""
    with pytest.raises(UserError) as error:
        run_parallel(function, items, settings(scheduler), "work")
    assert "\n" not in str(error.value)
    return str(error.value)


# ---- right


@pytest.mark.parametrize("by_file", [False, True])
def test_workers_are_found_by_address_and_by_scheduler_file(cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, by_file: bool) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copy(cluster.file, "here.json")
    found = run_parallel(process_and_folder, range(6), settings("here.json" if by_file else cluster.address), "work")
    assert {process for process, _ in found} <= set(dask_cluster.workers(cluster.file).values())
    assert {folder for _, folder in found} == {str(tmp_path)}  # not those in which the workers were started


def run(command: Any, *arguments: str) -> None:
    done = CliRunner().invoke(command, [*arguments, "--params", "params.yaml"], catch_exceptions=False)
    assert done.exit_code == 0, done.output


def data_stages(folder: Path, scheduler: object, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """The hash of every file that the data stages make from parameters whose paths are relative."""
    folder.mkdir()
    monkeypatch.chdir(folder)
    params = YAML(typ="safe").load(ROOT / "recipes" / "tiny" / "params.yaml")
    params["data"] |= {"root": "raw", "skip_bad": True}
    params["synthetic"] |= {"twin_subjects": ["S9"], "sequences": 1, "seconds": 0.2, "video_size": 64}
    params["pose"]["background"] = "plate"
    params["parallel"] |= {"workers": 1, "scheduler": None if scheduler is None else str(scheduler)}
    with Path("params.yaml").open("w", encoding="utf-8") as file:
        YAML().dump(params, file)
    run(synthesize.main, "raw")
    damaged = sorted(Path("raw").rglob("*.mp4"))[0]
    damaged.write_bytes(damaged.read_bytes()[:500])  # the manifests say its name, and why it is left out
    run(index.main, "manifest")
    run(extract.main, "S9", "manifest", "frames/S9")
    run(project.main, "S9", "manifest", "poses/S9.h5")
    run(pack.main, "S9", "frames/S9", "poses/S9.h5", "packed/S9.h5")
    return {path.as_posix(): file_hash(path) for path in sorted(Path().rglob("*.*")) if path.is_file() and path.name != "params.yaml"}


def test_every_data_stage_makes_the_same_bytes(cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    here = data_stages(tmp_path / "here", None, monkeypatch)
    assert {Path(name).parts[0] for name in here} == {"raw", "manifest", "frames", "poses", "packed"}
    assert data_stages(tmp_path / "there", cluster.file, monkeypatch) == here


def test_no_more_is_made_than_a_few_for_each_worker(cluster: Cluster, tmp_path: Path) -> None:
    results = iterate_parallel(note, [(str(tmp_path), number) for number in range(40)], settings(cluster.file), "work")
    assert np.array_equal(next(results), np.zeros(1000))
    assert len(list(tmp_path.iterdir())) <= 2 * AHEAD_ON_CLUSTER
    assert [int(result[0]) for result in results] == list(range(1, 40))


def test_what_is_left_alone_ends(cluster: Cluster, tmp_path: Path) -> None:
    results = iterate_parallel(note, [(str(tmp_path), number) for number in range(40)], settings(cluster.file), "work")
    next(results)
    results.close()  # type: ignore[attr-defined]
    assert len(list(tmp_path.iterdir())) <= 2 * AHEAD_ON_CLUSTER


def clips(folder: Path) -> dict[str, Any]:
    """A manifest of four videos."""
    videos = []
    for camera in ("1", "2", "3", "4"):
        path = folder / f"{camera}.mp4"
        write_video(path, pictures(12, int(camera)), 50, 20)
        view = {"sequence": "Walking", "camera": camera, "path": path.name, "sha256": file_hash(path)}
        videos.append({**view, "fps": 50, "poses": 12, "width": 64, "height": 64})
    return {"subject": "S1", "videos": videos}


def test_workers_killed_in_the_middle_of_extract_change_nothing(cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both workers; their nannies start others, which do those pieces again."""
    monkeypatch.chdir(tmp_path)
    Path("raw").mkdir()
    manifest, data = clips(Path("raw")), DataConfig.model_validate(data_section())
    extract_subject(manifest, Path("here"), data, settings(None))
    before = dask_cluster.workers(cluster.file)
    dask_cluster.tell_workers(cluster.file, die_before_the_next_file)
    extract_subject(manifest, Path("there"), data, settings(cluster.file))
    assert contents(Path("there")) == contents(Path("here"))
    wait_until(lambda: len(dask_cluster.workers(cluster.file)) == 2)
    assert set(before.values()) - set(dask_cluster.workers(cluster.file).values())


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def data_section() -> dict[str, Any]:
    tiny = YAML(typ="safe").load(ROOT / "recipes" / "tiny" / "params.yaml")["data"]
    return {**tiny, "root": "raw", "fps": 50}


def test_work_begins_with_the_first_worker(lonely: Cluster, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    found: list[Any] = []
    work = threading.Thread(target=lambda: found.extend(run_parallel(abs, (-1, -2), settings(lonely.file), "work")))
    work.start()
    said: list[str] = []
    wait_until(lambda: said.append(capfd.readouterr().err) or "no Dask worker" in "".join(said))
    assert "work: no Dask worker is there; waits for one, 10.0 min at most\n" in "".join(said)
    with dask_cluster.worker(lonely.file, tmp_path / "late", "--no-nanny"):
        work.join(LONGEST)
    assert found == [1, 2]


def test_an_error_ends_the_rest_and_is_raised_as_it_was(cluster: Cluster, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """What a worker has begun it ends before the error is told, so that it does not meet whoever begins anew."""
    (began := tmp_path / "began").mkdir()
    items = [(str(began), str(tmp_path / "go"), number) for number in range(20)]
    threading.Thread(target=lambda: (wait_until(lambda: "waits for what" in capfd.readouterr().err), (tmp_path / "go").touch())).start()
    with pytest.raises(UserError, match=r"^item 0: expected another number$"):
        run_parallel(fail_or_wait, items, settings(cluster.file), "work")
    assert (tmp_path / "go").exists()
    assert len(list(began.iterdir())) < 5


_STAGE = """
import signal, sys
from pathlib import Path
import click
from pipeline.parallel import run_parallel
from stages.command import stage
from dask_tasks import note_and_wait, settings

@stage
@click.argument("scheduler")
@click.argument("folder")
def main(scheduler, folder, params):
    '''Work that waits for a file.'''
    run_parallel(note_and_wait, [(folder, folder + "/go", number) for number in range(9)], settings(scheduler), "work")

signal.signal(signal.SIGINT, signal.default_int_handler)  # as in a terminal
main()
"""


def test_an_interrupt_is_one_line_and_leaves_the_workers(cluster: Cluster, tmp_path: Path) -> None:
    """The second one ends the wait for what the workers have begun."""
    before = dask_cluster.workers(cluster.file)
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "tests")])}
    command = [sys.executable, "-c", _STAGE, str(cluster.file), str(tmp_path), "--params", str(ROOT / "params.yaml")]
    said = []
    with subprocess.Popen(command, env=environment, start_new_session=True, stderr=subprocess.PIPE, text=True) as stage:
        assert stage.stderr is not None
        wait_until(lambda: len(list(tmp_path.iterdir())) == 2 or stage.poll() is not None)
        stage.send_signal(signal.SIGINT)
        for line in stage.stderr:
            said.append(line)
            if "waits for what 2 Dask workers have begun" in line:
                stage.send_signal(signal.SIGINT)
    assert stage.returncode == 130, "".join(said)
    assert said[-1].startswith("Interrupted: ")
    assert all(line.startswith("work: ") for line in said[:-1]), said
    (tmp_path / "go").touch()
    assert run_parallel(abs, (-1, -2), settings(cluster.file), "work") == [1, 2]
    assert dask_cluster.workers(cluster.file) == before
    assert len(list(tmp_path.iterdir())) == 3


# ---- one line


def test_without_a_worker_nobody_waits_for_ever(lonely: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parallel, "PATIENCE", 1.0)
    assert refused(lonely.file).endswith("no Dask worker was there for 1 s; start workers, then run it again")


def test_when_all_workers_have_gone_nobody_waits_for_ever(lonely: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parallel, "PATIENCE", 1.0)
    items = [(str(tmp_path / "began"), str(tmp_path / "go"), number) for number in range(3)]
    (tmp_path / "began").mkdir()
    with dask_cluster.worker(lonely.file, tmp_path / "worker") as process:

        def kill() -> None:
            wait_until(lambda: list((tmp_path / "began").iterdir()))
            os.killpg(process.pid, signal.SIGKILL)

        threading.Thread(target=kill).start()
        assert "no Dask worker was there for 1 s" in refused(lonely.file, note_and_wait, tuple(items))


def test_a_piece_with_which_workers_end_is_one_line(lonely: Cluster, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with dask_cluster.worker(lonely.file, tmp_path / "worker", "--nthreads", "2"):
        line = refused(lonely.file, kill_worker, (1,))
    assert "work: workers of Dask with several threads do one piece at a time; start them with --nthreads 1 --nworkers N\n" in capfd.readouterr().err
    assert "a piece of the work was lost 2 times with the Dask worker that did it, at last tcp://127.0.0.1:" in line
    assert "--memory-limit" in line


def test_a_worker_without_the_project_is_one_line(lonely: Cluster, tmp_path: Path) -> None:
    """Packages that are found without the links that `pip install -e` leaves beside them."""
    packages = str(Path(np.__file__).parents[1])
    with dask_cluster.worker(lonely.file, tmp_path / "worker", "--no-nanny", python=("-S",), PYTHONPATH=packages):
        line = refused(lonely.file)
    assert "Dask worker tcp://127.0.0.1:" in line
    assert "cannot load this project's code (" in line
    assert "No module named 'pipeline'" in line
    assert line.endswith("start scheduler and workers anew in the environment that `make` built (docs/clusters.md)")


def test_a_worker_with_other_code_is_one_line(lonely: Cluster, tmp_path: Path) -> None:
    shutil.copytree(ROOT / "pipeline", tmp_path / "old" / "pipeline", ignore=shutil.ignore_patterns("__pycache__"))
    with (tmp_path / "old" / "pipeline" / "utils" / "numbers.py").open("a", encoding="utf-8") as module:
        module.write("# as it was before\n")
    with dask_cluster.worker(lonely.file, tmp_path / "worker", "--no-nanny", PYTHONPATH=str(tmp_path / "old")):
        line = refused(lonely.file)
    assert line.startswith("Dask worker tcp://127.0.0.1:")
    assert f"expected this project's code {installed()[parallel.CODE]}, as here, found " in line


def test_a_worker_with_another_version_of_a_package_is_one_line(lonely: Cluster, tmp_path: Path) -> None:
    path = os.pathsep.join([declare(tmp_path / "path", "numpy", "1.0.1"), str(ROOT)])
    with dask_cluster.worker(lonely.file, tmp_path / "worker", "--no-nanny", PYTHONPATH=path):
        assert f"expected numpy {installed()['numpy']}, as here, found 1.0.1; " in refused(lonely.file)


def test_a_scheduler_with_another_version_of_dask_is_one_line(tmp_path: Path) -> None:
    path = os.pathsep.join([declare(tmp_path / "path", "dask", "2024.12.0"), str(ROOT)])
    with dask_cluster.scheduler(tmp_path / "scheduler", PYTHONPATH=path) as (file, _):
        line = refused(file)
    assert f"scheduler: expected dask {installed()['dask']}, as here, found 2024.12.0; " in line


def declare(folder: Path, package: str, version: str) -> str:
    """A folder that says of a package that it has another version."""
    (folder / f"{package}-{version}.dist-info").mkdir(parents=True)
    about = f"Metadata-Version: 2.1\nName: {package}\nVersion: {version}\n"
    (folder / f"{package}-{version}.dist-info" / "METADATA").write_text(about, encoding="utf-8")
    return str(folder)


def test_another_python_is_one_line() -> None:
    with pytest.raises(UserError, match=r"^worker 1: expected Python 3\.\d+, as here, found 3\.8; start scheduler and workers anew"):
        check_same(installed(), {**installed(), "Python": "3.8"}, "worker 1")


def test_a_machine_that_does_not_see_the_folder_is_one_line(cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    monkeypatch.setattr(os, "getcwd", lambda: "/nowhere/pose25d")
    assert "/nowhere/pose25d is not there; all machines have to see the project at the same place, on a shared disk" in refused(cluster.file)


def test_a_scheduler_that_goes_is_one_line(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with dask_cluster.scheduler(tmp_path / "scheduler") as (file, process):

        def kill() -> None:
            """The scheduler, once it was asked for the work."""
            wait_until(lambda: "no Dask worker is there" in capfd.readouterr().err)
            process.kill()

        threading.Thread(target=kill).start()
        assert refused(file).endswith("the Dask scheduler is gone; start it and its workers again, then run it again")


def test_one_that_does_not_answer_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parallel, "ANSWER", 1.0)
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert "no Dask scheduler answers there" in refused(f"tcp://127.0.0.1:{port}")
    assert "no Dask scheduler answers there" in refused(f"127.0.0.1:{port}")


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (None, "not found; expected JSON"),
        ("", "expected JSON, "),
        ("tcp://127.0.0.1:8786\n", "expected JSON, "),
        ("[]", "expected `address`, as `dask scheduler --scheduler-file` writes it, found none"),
        (json.dumps({"address": 8786}), "expected `address`, as `dask scheduler --scheduler-file` writes it, found none"),
    ],
)
def test_a_scheduler_file_that_is_none_is_one_line(tmp_path: Path, content: str | None, line: str) -> None:
    file = tmp_path / "scheduler.json"
    if content is not None:
        file.write_text(content, encoding="utf-8")
    assert refused(file).startswith(f"{file}: {line}")
