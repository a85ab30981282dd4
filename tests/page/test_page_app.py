"""The page's server: who is let in, what is served, that answers last, and that bad input is one line."""

import threading
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from click.testing import CliRunner
from photo_folder import BARE, GOOD, HUGE, POINTS, TEXT, png_head, write_folder, write_weights
from standing import RULE
from starlette.testclient import TestClient

from pipeline.config.pose import PoseConfig
from pipeline.config.section import load_config
from pipeline.errors import UserError
from pipeline.networks.checkpoint import save_network
from pipeline.networks.generator import load_painter
from pipeline.networks.lifter import Lifter
from pipeline.page.app import COOKIE, MOST_BYTES, make_app
from pipeline.page.folder import ConflictError, PhotoFolder
from pipeline.page.guess import guess_from_3d, guess_from_lifter
from pipeline.page.painting import PoseStudio
from pipeline.photos.depth import HEADER, NOT_YET, read_depth, write_depth
from pipeline.photos.joints import to_h36m_17
from pipeline.photos.poses import write_poses_3d
from pipeline.skeleton import H36M_17, LIMB_NAMES
from stages import label_depth, merge_depth

ROOT = Path(__file__).resolve().parents[2]
TOKEN = "a token of this test"
LABELS = [0, -1, 1, 0, 0, 1, 0, None]


@pytest.fixture
def folder(tmp_path: Path) -> PhotoFolder:
    return PhotoFolder(write_folder(tmp_path / "photos"))


def client(folder: PhotoFolder, cookie: str = TOKEN, **parts: Any) -> TestClient:
    return TestClient(make_app(folder, TOKEN, **parts), base_url="http://127.0.0.1:8000", cookies={COOKIE.format(port=8000): cookie})


def test_nobody_comes_in_without_the_token_or_from_elsewhere(folder: PhotoFolder) -> None:
    for cookie in ("", "another token", TOKEN + "x"):
        stranger = client(folder, cookie)
        for path in ("/", "/api/photos", f"/image/{GOOD[0]}", "/static/page.js"):
            assert stranger.get(path).status_code == 403
        assert stranger.put(f"/api/labels/{GOOD[0]}", json={"labels": LABELS}).status_code == 403
    assert not folder.depth.exists()
    for host in ("evil.example", "127.0.0.1.evil.example:8000", ""):
        assert client(folder).get("/api/photos", headers={"host": host}).status_code == 403
    assert client(folder).get("/api/photos", headers={"host": "localhost:8000"}).status_code == 200


def test_the_token_of_the_address_becomes_a_cookie(folder: PhotoFolder) -> None:
    visitor = client(folder, "")
    answer = visitor.get(f"/?token={TOKEN}", follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    assert visitor.get("/?token=wrong").status_code == 403


def test_every_answer_forbids_what_the_page_does_not_need(folder: PhotoFolder) -> None:
    for path in ("/", "/api/photos", "/nothing", f"/image/{TEXT}"):
        headers = client(folder).get(path).headers
        assert headers["content-security-policy"].startswith("default-src 'none'")
        assert headers["x-content-type-options"] == "nosniff"
    page = client(folder).get("/").text
    assert "//" not in page.replace("<!doctype", "")  # nothing from outside


@pytest.mark.parametrize(
    "name", ["../annotation.csv", "..%2Fannotation.csv", "%2e%2e/annotation.csv", "/etc/passwd", "annotation.csv", "nobody_1.png", BARE]
)
def test_only_what_is_listed_is_served(folder: PhotoFolder, name: str) -> None:
    for path in (f"/image/{name}", f"/api/photo/{name}", f"/static/{name}"):
        assert client(folder).get(path).status_code == 404
    assert client(folder).put(f"/api/labels/{name}", json={"labels": LABELS}).status_code == 404


def test_the_page_knows_photos_joints_and_sizes(folder: PhotoFolder) -> None:
    known = client(folder).get("/api/photos").json()
    assert [one["name"] for one in known["photos"]] == sorted((*GOOD, TEXT, HUGE))
    assert known["without"] == [BARE]
    assert not known["studio"]
    photo = client(folder).get(f"/api/photo/{GOOD[0]}").json()
    assert (photo["width"], photo["height"], photo["error"]) == (160, 200, None)
    np.testing.assert_allclose(photo["joints"], to_h36m_17(POINTS), atol=0.01)
    assert photo["labels"] == [None] * 8
    image = cv2.imdecode(np.frombuffer(client(folder).get(f"/image/{GOOD[0]}").content, np.uint8), cv2.IMREAD_COLOR)
    assert image.shape == (200, 160, 3)


@pytest.mark.parametrize(("name", "message"), [(TEXT, "no picture, or a damaged one"), (HUGE, "10000 x 10000 px is too large")])
def test_a_bad_picture_is_said_and_can_be_passed_by(folder: PhotoFolder, name: str, message: str) -> None:
    assert message in client(folder).get(f"/api/photo/{name}").json()["error"]
    answer = client(folder).get(f"/image/{name}")
    assert answer.status_code == 422
    assert message in answer.text


def test_a_picture_of_a_billion_pixels_is_too_large_as_well(folder: PhotoFolder) -> None:
    (folder.root / HUGE).write_bytes(png_head(32_000, 32_000))
    assert "too large" in client(folder).get(f"/api/photo/{HUGE}").json()["error"]


def test_an_answer_is_on_disk_at_once(folder: PhotoFolder) -> None:
    answer = client(folder).put(f"/api/labels/{GOOD[1]}", json={"labels": LABELS})
    assert answer.json() == {"done": False, "labelled": 0, "of": 5}
    assert read_depth(folder.depth) == {GOOD[1]: tuple(LABELS)}
    answer = client(folder).put(f"/api/labels/{GOOD[1]}", json={"labels": [0] * 8})
    assert answer.json() == {"done": True, "labelled": 1, "of": 5}
    assert PhotoFolder(folder.root).is_done(GOOD[1])
    client(folder).put(f"/api/labels/{GOOD[1]}", json={"labels": [None] * 8})
    assert read_depth(folder.depth) == {}


@pytest.mark.parametrize(
    "content", [b"", b"no json", b"[1]", b'{"labels": [0]}', b'{"labels": [0, 0, 0, 0, 0, 0, 0, 2]}', b'{"labels": "00000000"}', b"[" * 5000]
)
def test_a_wrong_answer_changes_nothing(folder: PhotoFolder, content: bytes) -> None:
    assert client(folder).put(f"/api/labels/{GOOD[0]}", content=content).status_code == 400
    assert not folder.depth.exists()


def test_an_endless_answer_is_refused(folder: PhotoFolder) -> None:
    assert client(folder).put(f"/api/labels/{GOOD[0]}", content=b" " * (MOST_BYTES + 1)).status_code == 413


def test_answers_from_several_windows_are_all_kept(folder: PhotoFolder) -> None:
    names = (*GOOD, TEXT, HUGE)
    threads = [threading.Thread(target=folder.save, args=(name, tuple([number % 2] * 8))) for number, name in enumerate(names)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert read_depth(folder.depth) == {name: tuple([number % 2] * 8) for number, name in enumerate(names)}


def test_what_somebody_else_writes_meanwhile_is_not_lost(folder: PhotoFolder) -> None:
    folder.save(GOOD[0], (1,) * 8)
    write_depth(folder.depth, {GOOD[0]: (1,) * 8, GOOD[1]: (-1,) * 8})
    folder.save(GOOD[2], (0,) * 8)
    assert read_depth(folder.depth) == {GOOD[0]: (1,) * 8, GOOD[1]: (-1,) * 8, GOOD[2]: (0,) * 8}
    write_depth(folder.depth, {GOOD[0]: (0,) * 8})
    with pytest.raises(ConflictError, match=f"{GOOD[0]} has other labels there now"):
        folder.save(GOOD[0], (-1,) * 8)
    assert read_depth(folder.depth) == {GOOD[0]: (0,) * 8}
    answer = client(folder).put(f"/api/labels/{GOOD[0]}", json={"labels": [1] * 8})
    assert answer.status_code == 200


def test_labels_begin_with_a_guess(folder: PhotoFolder, tmp_path: Path) -> None:
    rule = load_config(PoseConfig, ROOT / "params.yaml", "pose")
    pose_3d = np.concatenate([to_h36m_17(POINTS) * 10, np.full((17, 1), 4000)], axis=1)
    pose_3d[H36M_17.index("left_wrist"), 2] -= 300  # toward the camera, before the torso
    write_poses_3d(tmp_path / "pose_3d.npz", {GOOD[0]: pose_3d})
    known = client(folder, guess=guess_from_3d(tmp_path / "pose_3d.npz", rule))
    guess = known.get(f"/api/photo/{GOOD[0]}").json()["guess"]
    assert guess[LIMB_NAMES.index("left_forearm")] == 1
    assert known.get(f"/api/photo/{GOOD[1]}").json()["guess"] is None
    save_network(tmp_path / "lifter.safetensors", Lifter(16, 1, RULE))
    inferred = client(folder, guess=guess_from_lifter(tmp_path / "lifter.safetensors", rule)).get(f"/api/photo/{GOOD[1]}").json()["guess"]
    assert len(inferred) == 8
    assert set(inferred) <= {-1, 0, 1}


def test_the_studio_paints_what_the_labels_say(folder: PhotoFolder, tmp_path: Path) -> None:
    studio = PoseStudio(folder, load_painter(*write_weights(tmp_path / "weights")), 0.15)
    page = client(folder, studio=studio)
    assert page.get("/api/photos").json()["studio"]
    joints = dict(zip(H36M_17.names, to_h36m_17(POINTS).tolist(), strict=True))
    answers = [page.post(f"/api/paint/{GOOD[0]}", json={"joints": joints, "labels": {"left_forearm": value}}) for value in (1, -1)]
    for answer in answers:
        assert answer.status_code == 200
        assert int(answer.headers["x-milliseconds"]) >= 0
        assert cv2.imdecode(np.frombuffer(answer.content, np.uint8), cv2.IMREAD_COLOR).shape == (512, 256, 3)
    assert answers[0].content != answers[1].content
    wrong = page.post(f"/api/paint/{GOOD[0]}", json={"joints": {**joints, "tail": [1, 2]}, "labels": {}})
    assert wrong.status_code == 422
    assert "joints.tail" in wrong.text
    assert page.post(f"/api/paint/{TEXT}", json={"joints": joints, "labels": {}}).status_code == 422
    assert client(folder).post(f"/api/paint/{GOOD[0]}", json={"joints": joints, "labels": {}}).status_code == 404


def run(*arguments: str) -> str:
    result = CliRunner().invoke(label_depth.main, [*arguments, "--no-browser", "--params", str(ROOT / "params.yaml")])
    assert result.exit_code == 1, result.output
    return result.output


def test_what_is_wrong_from_the_start_is_one_line_and_writes_nothing(folder: PhotoFolder, tmp_path: Path) -> None:
    nine = ",".join(HEADER) + f"\n{GOOD[0]},0,0,0,0,0,0,0,0,0\n"
    folder.depth.write_text(nine, encoding="utf-8")
    assert "line 2: expected a name and 8 labels, found 9 labels" in run(str(folder.root))
    assert folder.depth.read_text(encoding="utf-8") == nine
    folder.depth.unlink()
    assert "expected --g1 and --g2 together" in run(str(folder.root), "--g1", str(folder.root / "annotation.csv"))
    (folder.root / "annotation.csv").rename(tmp_path / "elsewhere.csv")
    assert "expected keypoints, *annotation*.csv, found none; find them with python -m stages.find_keypoints" in run(str(folder.root))
    (tmp_path / "empty").mkdir()
    assert "expected pictures, .jpg or .png" in run(str(tmp_path / "empty"))


def test_two_peoples_files_are_merged_with_a_report(tmp_path: Path) -> None:
    write_depth(tmp_path / "ann.csv", {"a.png": (1,) * 8, "b.png": (0, *NOT_YET[1:])})
    write_depth(tmp_path / "bob.csv", {"a.png": (1, -1, *(1,) * 6), "c.png": (0,) * 8})
    files = [str(tmp_path / name) for name in ("ann.csv", "bob.csv", "both.csv")]
    result = CliRunner().invoke(merge_depth.main, [*files, "--params", str(ROOT / "params.yaml")])
    assert result.exit_code == 0, result.output
    assert "a.png, right_calf: in front in the first, occluded in the second" in result.output
    assert "3 pictures" in result.output
    assert "8 limbs were labelled twice, 87.5 % of them alike" in result.output
    assert read_depth(tmp_path / "both.csv") == {"a.png": (1, None, *(1,) * 6), "b.png": (0, *NOT_YET[1:]), "c.png": (0,) * 8}


def test_a_folder_whose_keypoints_are_of_others_is_one_line(folder: PhotoFolder) -> None:
    for name in (*GOOD, TEXT, HUGE):
        (folder.root / name).unlink()
    with pytest.raises(UserError, match=r"none of the 1 pictures has keypoints in annotation\.csv"):
        PhotoFolder(folder.root)
