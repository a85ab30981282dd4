"""The page's server: who is let in, what is served, that answers last, and that bad input is one line."""

import json
import os
import resource
import shutil
import signal
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import cv2
import httpx2
import numpy as np
import pytest
from click.testing import CliRunner, Result
from hypothesis import example, given, settings
from hypothesis import strategies as st
from odd_pictures import png_head, transparent, turned
from photo_folder import BARE, GOOD, HUGE, POINTS, TEXT, note_what_is_opened, write_folder, write_weights
from small_weights import write_model
from standing import RULE
from starlette.testclient import TestClient

from pipeline.config.pose import PoseConfig
from pipeline.config.section import load_config
from pipeline.datasets.photos.annotations import write_annotations
from pipeline.datasets.photos.hand_labels import HEADER, read_label_file, write_label_file
from pipeline.datasets.photos.joints import to_h36m_17
from pipeline.datasets.photos.poses import write_poses_3d
from pipeline.inference.generator import load_generator
from pipeline.networks.checkpoint import save_network
from pipeline.networks.lifter import Lifter
from pipeline.page.app import COOKIE, MOST_BYTES, make_app
from pipeline.page.folder import ConflictError, PhotoFolder
from pipeline.page.guess import guess_from_3d, guess_from_lifter
from pipeline.page.moving import MOST_FRAMES, MotionStudio
from pipeline.page.painting import PoseStudio
from pipeline.pose.labels import UNLABELLED
from pipeline.pose.skeleton import COCO_18, H36M_17, LIMB_NAMES
from pipeline.utils.errors import UserError
from pipeline.utils.pictures import read_picture
from pose25d import label as label_depth
from pose25d import merge as merge_labels

ROOT = Path(__file__).resolve().parents[2]
TOKEN = "a token of this test"
N_LIMBS = len(LIMB_NAMES)
LABELS = [0, -1, 1, 0, 0, 1, *[0] * (N_LIMBS - 7), None]


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
    assert not folder.label_file.exists()
    for host in ("evil.example", "127.0.0.1.evil.example:8000", "", "evil.example:8000@127.0.0.1:8000", "127.0.0.1:8000.evil.example", "[::1]:8000"):
        assert client(folder).get("/api/photos", headers={"host": host}).status_code == 403
    assert client(folder).get("/api/photos", headers={"host": "localhost:8000"}).status_code == 200


def test_the_token_of_the_address_becomes_a_cookie_of_this_port(folder: PhotoFolder) -> None:
    visitor = TestClient(make_app(folder, TOKEN), base_url="http://127.0.0.1:8000")
    answer = visitor.get(f"/?token={TOKEN}", follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    assert cookie.startswith("pose25d-8000=")
    assert visitor.get("/?token=wrong").status_code == 403
    assert visitor.get("/").status_code == 200
    other = TestClient(make_app(folder, "the token of another page"), base_url="http://127.0.0.1:8001", cookies=dict(visitor.cookies))
    assert other.get("/").status_code == 403
    assert other.get("/?token=the token of another page").status_code == 200
    assert TestClient(make_app(folder, TOKEN), base_url="http://127.0.0.1:8000", cookies=dict(other.cookies)).get("/").status_code == 200


@pytest.mark.parametrize("path", ["//evil.example/", "///evil.example", "/\\evil.example", "/%2f/evil.example", "/api/photos", "/@evil.example"])
def test_the_token_leads_to_this_page_and_nowhere_else(folder: PhotoFolder, path: str) -> None:
    request = httpx2.Request("GET", "http://127.0.0.1:8000/", params={"token": TOKEN})
    request.url = request.url.copy_with(raw_path=f"{path}?token={TOKEN}".encode())
    answer = client(folder, "").send(request, follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (303, "/")


def test_other_pages_may_lead_here_but_ask_nothing(folder: PhotoFolder) -> None:
    own = {"origin": "http://127.0.0.1:8000", "sec-fetch-site": "same-origin"}
    foreign: list[dict[str, str]] = [
        *(
            {"origin": origin}
            for origin in ("http://evil.example", "http://127.0.0.1:9000", "https://127.0.0.1:8000", "http://localhost:8000", "null")
        ),
        *({"sec-fetch-site": site} for site in ("cross-site", "same-site")),
        {"origin": "null", "sec-fetch-site": "cross-site"},
    ]
    put = {"url": f"/api/labels/{GOOD[0]}", "json": {"labels": LABELS}}
    for headers in foreign:
        assert client(folder).put(**put, headers=headers).status_code == 403
        assert client(folder).post(f"/api/paint/{GOOD[0]}", json={}, headers=headers).status_code == 403
        assert client(folder).get(f"/image/{GOOD[0]}", headers=headers).status_code == 403
    assert not folder.label_file.exists()
    for headers in (own, {"sec-fetch-site": "none"}, {"origin": "null", "sec-fetch-site": "same-origin"}, {}):
        assert client(folder).put(**put, headers=headers).status_code == 200
    link = {"sec-fetch-site": "cross-site"}
    assert client(folder).get("/", headers=link).status_code == 200
    assert client(folder).get(f"/?token={TOKEN}", headers=link, follow_redirects=False).status_code == 303
    without_cookie = client(folder, "").get("/", headers=link)  # as after the file that opens the page: the browser keeps the cookie back
    assert without_cookie.status_code == 403
    assert 'content="0; url=/"' in without_cookie.text
    assert TOKEN not in without_cookie.text


def test_port_80_is_not_named_by_browsers(folder: PhotoFolder) -> None:
    page = TestClient(make_app(folder, TOKEN), base_url="http://127.0.0.1", cookies={COOKIE.format(port=80): TOKEN})
    assert page.get("/").status_code == 200
    assert page.put(f"/api/labels/{GOOD[0]}", json={"labels": LABELS}, headers={"origin": "http://127.0.0.1"}).status_code == 200


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
    assert photo["labels"] == [None] * N_LIMBS
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
    assert read_label_file(folder.label_file) == {GOOD[1]: tuple(LABELS)}
    answer = client(folder).put(f"/api/labels/{GOOD[1]}", json={"labels": [0] * N_LIMBS})
    assert answer.json() == {"done": True, "labelled": 1, "of": 5}
    assert PhotoFolder(folder.root).is_done(GOOD[1])
    client(folder).put(f"/api/labels/{GOOD[1]}", json={"labels": [None] * N_LIMBS})
    assert read_label_file(folder.label_file) == {}


@pytest.mark.parametrize("content", [b"", b"no json", b"[1]", b'{"labels": [0]}', b'{"labels": "00000000"}', b"{}", b"[" * 5000])
def test_a_wrong_answer_changes_nothing(folder: PhotoFolder, content: bytes) -> None:
    assert client(folder).put(f"/api/labels/{GOOD[0]}", content=content).status_code == 400
    assert not folder.label_file.exists()


@pytest.mark.parametrize("value", ["2", "false", "true", "1.0", "-0.0", '"1"', '""', "[]", "{}", "NaN", "1e999", "1" + "0" * 400])
def test_nothing_but_a_label_counts_as_one(folder: PhotoFolder, value: str) -> None:
    for field in ("labels", "before"):
        labels = {"labels": "[0, 0, 0, 0, 0, 0, 0, 0]", field: f"[0, 0, 0, 0, 0, 0, 0, {value}]"}
        content = ", ".join(f'"{name}": {text}' for name, text in labels.items())
        assert client(folder).put(f"/api/labels/{GOOD[0]}", content=f"{{{content}}}").status_code == 400
    assert not folder.label_file.exists()


def test_an_endless_answer_is_refused(folder: PhotoFolder) -> None:
    assert client(folder).put(f"/api/labels/{GOOD[0]}", content=b" " * (MOST_BYTES + 1)).status_code == 413


def test_answers_from_several_windows_are_all_kept(folder: PhotoFolder) -> None:
    names = (*GOOD, TEXT, HUGE)
    threads = [threading.Thread(target=folder.save, args=(name, tuple([number % 2] * N_LIMBS))) for number, name in enumerate(names)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert read_label_file(folder.label_file) == {name: tuple([number % 2] * N_LIMBS) for number, name in enumerate(names)}


def test_what_somebody_else_writes_meanwhile_is_not_lost(folder: PhotoFolder) -> None:
    folder.save(GOOD[0], (1,) * N_LIMBS)
    write_label_file(folder.label_file, {GOOD[0]: (1,) * N_LIMBS, GOOD[1]: (-1,) * N_LIMBS})
    folder.save(GOOD[2], (0,) * N_LIMBS)
    assert read_label_file(folder.label_file) == {GOOD[0]: (1,) * N_LIMBS, GOOD[1]: (-1,) * N_LIMBS, GOOD[2]: (0,) * N_LIMBS}
    write_label_file(folder.label_file, {GOOD[0]: (0,) * N_LIMBS})
    with pytest.raises(ConflictError, match=f"{GOOD[0]} has other labels there now"):
        folder.save(GOOD[0], (-1,) * N_LIMBS)
    assert read_label_file(folder.label_file) == {GOOD[0]: (0,) * N_LIMBS}
    answer = client(folder).put(f"/api/labels/{GOOD[0]}", json={"labels": [1] * N_LIMBS})
    assert answer.status_code == 200


def test_an_answer_to_labels_that_are_no_more_is_refused(folder: PhotoFolder) -> None:
    """Two windows on one photo: the second has not seen what the first has answered."""
    put = f"/api/labels/{GOOD[0]}"
    assert client(folder).put(put, json={"labels": [1] * N_LIMBS, "before": [None] * N_LIMBS}).status_code == 200
    refused = client(folder).put(put, json={"labels": [*[None] * (N_LIMBS - 1), 0], "before": [None] * N_LIMBS})
    assert refused.status_code == 409
    assert "has other labels there now; look at them and answer again" in refused.text
    assert read_label_file(folder.label_file) == {GOOD[0]: (1,) * N_LIMBS}
    assert client(folder).put(put, json={"labels": [0] * N_LIMBS, "before": [1] * N_LIMBS}).status_code == 200


HAMMER = """
import sys
from pathlib import Path
from pipeline.page.folder import PhotoFolder
from pipeline.pose.skeleton import LIMB_NAMES
folder, mine = PhotoFolder(Path(sys.argv[1])), sys.argv[3:]
print("ready", flush=True)
sys.stdin.readline()
for turn in range(int(sys.argv[2])):
    name, value = mine[turn % len(mine)], turn // len(mine) % 3 - 1
    folder.save(name, (value,) * len(LIMB_NAMES))
    print(name, value, flush=True)
"""


def test_two_servers_at_full_speed_lose_no_answer(tmp_path: Path) -> None:
    root = write_folder(tmp_path / "photos")
    for number in range(12):
        shutil.copy(root / GOOD[0], root / f"p{number:02}_1.png")
    names = [f"p{number:02}_1.png" for number in range(12)]
    write_annotations(root / "annotation.csv", dict.fromkeys(names, POINTS))
    start = [[sys.executable, "-c", HAMMER, str(root), "200", *names[part::2]] for part in (0, 1)]
    servers = [subprocess.Popen(one, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT) for one in start]
    for server in servers:
        assert server.stdout is not None
        assert server.stdout.readline() == "ready\n"
    for server in servers:
        assert server.stdin is not None
        server.stdin.write("\n")
        server.stdin.flush()
    said = [server.communicate(timeout=120)[0].split("\n")[:-1] for server in servers]
    assert [(server.returncode, len(lines)) for server, lines in zip(servers, said, strict=True)] == [(0, 200), (0, 200)]
    last = {name: int(value) for lines in said for name, value in (line.split() for line in lines)}
    assert read_label_file(root / "depth.csv") == {name: (value,) * N_LIMBS for name, value in last.items()}


@contextmanager
def small_files(most: int) -> Iterator[None]:
    """Files may not grow larger, as on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_an_answer_that_is_not_saved_does_not_count(folder: PhotoFolder) -> None:
    page = client(folder)
    assert page.put(f"/api/labels/{GOOD[0]}", json={"labels": [0] * N_LIMBS}).status_code == 200
    before = folder.label_file.read_bytes()
    with small_files(50):
        refused = page.put(f"/api/labels/{GOOD[1]}", json={"labels": [0] * N_LIMBS})
    assert refused.status_code == 507
    assert "not saved: " in refused.text
    assert "files may not grow so large here" in refused.text
    assert folder.label_file.read_bytes() == before
    assert [one["done"] for one in page.get("/api/photos").json()["photos"]] == [True, False, False, False, False]
    assert page.get(f"/api/photo/{GOOD[1]}").json()["labels"] == [None] * N_LIMBS
    assert not [path for path in folder.root.iterdir() if path.name.startswith(".partial-")]
    answer = page.put(f"/api/labels/{GOOD[2]}", json={"labels": [0] * N_LIMBS})
    assert answer.json() == {"done": True, "labelled": 2, "of": 5}
    assert set(read_label_file(folder.label_file)) == {GOOD[0], GOOD[2]}


def test_a_file_that_is_damaged_meanwhile_stays_and_the_answer_does_not_count(folder: PhotoFolder) -> None:
    folder.label_file.write_text("somebody works on this", encoding="utf-8")
    refused = client(folder).put(f"/api/labels/{GOOD[1]}", json={"labels": [0] * N_LIMBS})
    assert refused.status_code == 507
    assert "expected the header" in refused.text
    assert folder.label_file.read_text(encoding="utf-8") == "somebody works on this"
    assert not folder.is_done(GOOD[1])


def test_labels_that_are_shared_by_a_link_stay_shared(tmp_path: Path) -> None:
    shared, folders = tmp_path / "shared.csv", []
    write_label_file(shared, {"of another.png": (1,) * N_LIMBS})
    shared.chmod(0o660)
    for who in ("ann", "bob"):
        root = write_folder(tmp_path / who)
        (root / "depth.csv").symlink_to(shared)
        folders.append(PhotoFolder(root))
    for folder, name in zip(folders, GOOD[:2], strict=True):
        assert client(folder).put(f"/api/labels/{name}", json={"labels": [0] * N_LIMBS}).status_code == 200
        assert folder.label_file.is_symlink()
    assert read_label_file(shared) == {"of another.png": (1,) * N_LIMBS, GOOD[0]: (0,) * N_LIMBS, GOOD[1]: (0,) * N_LIMBS}
    assert stat.S_IMODE(shared.stat().st_mode) == 0o660
    lock = tmp_path / ".shared.csv.lock"  # one for both
    assert stat.S_IMODE(lock.stat().st_mode) == 0o660  # who may write the labels may hold it
    assert not list(tmp_path.glob("*/.*.lock"))


def test_what_is_called_with_a_dot_is_neither_picture_nor_file_of_keypoints(tmp_path: Path) -> None:
    root = write_folder(tmp_path / "photos")
    for name in ("._annotation.csv", ".partial-annotation.csv", "._depth.csv", ".partial-depth.csv", "._ann_1front.png", ".partial-ann_1front.png"):
        (root / name).write_bytes(b"\0\5\x16\7\0\2\0\0Mac OS X        ")
    (root / "annotation of last year.csv").mkdir()
    folder = PhotoFolder(root)
    assert (sorted(folder.photos), folder.without) == (sorted((*GOOD, TEXT, HUGE)), [BARE])
    client(folder).put(f"/api/labels/{GOOD[0]}", json={"labels": [0] * N_LIMBS})
    assert (root / "._depth.csv").exists()


def test_strange_names_are_served_or_left_out_by_name(tmp_path: Path) -> None:
    root = write_folder(tmp_path / "photos")
    served = ("a:b?c#d&e_1.png", 'it\'s "a", ä\u202f_1.png', "x.._1.png", "<b>_1.png")
    for name in served:
        shutil.copy(root / GOOD[0], root / name)
    left_out = [os.fsdecode(b"\xff\xfe_1.png"), "two\nlines_1.png", "gone_1.png", "folder_1.png"]
    for name in left_out[:2]:
        shutil.copy(root / GOOD[0], root / name)
    (root / left_out[2]).symlink_to(root / "nowhere.png")
    (root / left_out[3]).mkdir()
    write_annotations(root / "annotation.csv", dict.fromkeys(served, POINTS))
    page = client(PhotoFolder(root))
    known = page.get("/api/photos").json()
    assert [one["name"] for one in known["photos"]] == sorted(served)
    assert [one["name"] for one in known["left_out"]] == ["\\xff\\xfe_1.png", "folder_1.png", "gone_1.png", "two\\nlines_1.png"]
    assert all(one["reason"] for one in known["left_out"])
    for name in served:
        place = quote(name, safe="")
        assert page.get(f"/image/{place}").status_code == 200
        assert page.get(f"/api/photo/{place}").json()["width"] == 160
        assert page.put(f"/api/labels/{place}", json={"labels": [0] * N_LIMBS}).status_code == 200
    for name in left_out:
        assert page.get(f"/image/{quote(os.fsencode(name), safe='')}").status_code == 404
    assert read_label_file(root / "depth.csv") == dict.fromkeys(served, (0,) * N_LIMBS)
    assert PhotoFolder(root).done == len(served)


def test_a_picture_may_be_a_link_out_of_the_folder(folder: PhotoFolder, tmp_path: Path) -> None:
    """DVC keeps pictures so; what a link leads to is shown to who may read it anyway, as a picture alone."""
    path = folder.photos[GOOD[0]].path
    shutil.move(path, tmp_path / "elsewhere.png")
    path.symlink_to(tmp_path / "elsewhere.png")
    assert client(PhotoFolder(folder.root)).get(f"/image/{GOOD[0]}").status_code == 200
    path.unlink()
    path.symlink_to("/etc/passwd")
    answer = client(PhotoFolder(folder.root)).get(f"/image/{GOOD[0]}")
    assert (answer.status_code, answer.text) == (422, f"{GOOD[0]}: no picture, or a damaged one")


def test_a_picture_of_a_phone_is_shown_upright_with_its_keypoints(folder: PhotoFolder) -> None:
    """Taken with the camera turned (EXIF orientation 6): stored lying, 200 x 160, seen 160 x 200."""
    upright = np.full((200, 160, 3), 255, np.uint8)
    upright[20:40, 70:90] = (200, 0, 0)  # around the nose, red
    path = folder.root / GOOD[0]
    path.write_bytes(turned(upright))
    photo = client(folder).get(f"/api/photo/{GOOD[0]}").json()
    assert (photo["width"], photo["height"], photo["error"]) == (160, 200, None)
    image = cv2.imdecode(np.frombuffer(client(folder).get(f"/image/{GOOD[0]}").content, np.uint8), cv2.IMREAD_COLOR_RGB)
    assert image.shape == (200, 160, 3)
    x, y = POINTS[COCO_18.index("nose")].astype(int)
    assert np.abs(image[y, x].astype(int) - (200, 0, 0)).max() < 30
    np.testing.assert_array_equal(folder.read(GOOD[0]), read_picture(path))


def test_what_is_transparent_is_shown_white(folder: PhotoFolder) -> None:
    image = np.full((200, 160, 3), (9, 200, 9), np.uint8)
    (folder.root / GOOD[0]).write_bytes(transparent(image, np.arange(200)[:, None] * np.ones(160) < 100))
    shown = cv2.imdecode(np.frombuffer(client(folder).get(f"/image/{GOOD[0]}").content, np.uint8), cv2.IMREAD_COLOR_RGB)
    assert np.abs(shown[:90].astype(int) - (9, 200, 9)).max() < 12
    assert shown[110:].min() > 240


@pytest.mark.parametrize(
    ("width", "height", "status"), [(1, 49_000, 422), (49_000, 1, 422), (40_000, 30_000, 422), (20_000, 20_000, 422), (1, 30_000, 200)]
)
def test_pictures_of_any_size_are_shown_or_refused(folder: PhotoFolder, width: int, height: int, status: int) -> None:
    thin = min(width, height) == 1
    content = cv2.imencode(".png", np.zeros((height, width), np.uint8))[1].tobytes() if thin else png_head(width, height)
    (folder.root / GOOD[0]).write_bytes(content)
    assert client(folder).get(f"/image/{GOOD[0]}").status_code == status
    error = client(folder).get(f"/api/photo/{GOOD[0]}").json()["error"]
    assert ("too large" in error) == (status == 422)


def test_keypoints_of_another_picture_are_said(folder: PhotoFolder) -> None:
    cv2.imwrite(str(folder.root / GOOD[0]), np.zeros((20, 10, 3), np.uint8))
    error = client(folder).get(f"/api/photo/{GOOD[0]}").json()["error"]
    assert error == f"{GOOD[0]}: expected keypoints in px of this picture, 10 x 20, found others; check the file of keypoints"


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
    assert len(inferred) == N_LIMBS
    assert set(inferred) <= {-1, 0, 1}


def test_a_guess_that_fails_is_said(folder: PhotoFolder) -> None:
    def guess(name: str, _: np.ndarray) -> tuple[int | None, ...]:
        raise UserError(f"{name}: no depths for this pose")

    photo = client(folder, guess=guess).get(f"/api/photo/{GOOD[0]}").json()
    assert (photo["guess"], photo["no_guess"], photo["error"]) == (None, f"{GOOD[0]}: no depths for this pose", None)


def test_the_studio_paints_what_the_labels_say(folder: PhotoFolder, tmp_path: Path) -> None:
    studio = PoseStudio(folder, load_generator(*write_weights(tmp_path / "weights")), 0.15)
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


def test_several_photos_of_one_person_show_more_than_one(folder: PhotoFolder, tmp_path: Path) -> None:
    generator = load_generator(*write_weights(tmp_path / "weights"))
    page = client(folder, studio=PoseStudio(folder, generator, 0.15), moving=MotionStudio(folder, generator, 0.15))
    for name, value in ((GOOD[0], -1), (GOOD[1], 1)):  # the forearm behind the torso, and before it
        labels = [value if limb == "left_forearm" else 0 for limb in LIMB_NAMES]
        assert page.put(f"/api/labels/{name}", json={"labels": labels}).status_code == 200
    joints = dict(zip(H36M_17.names, to_h36m_17(POINTS).tolist(), strict=True))
    pose = {"joints": joints, "labels": {"left_forearm": 1}}
    assert page.put("/api/motion", content=json.dumps({"fps": 25, "frames": [pose, pose]})).status_code == 204
    for path, send in ((f"/api/paint/{GOOD[0]}", {"method": "POST", "json": pose}), (f"/api/motion/{GOOD[0]}/0", {"method": "GET"})):
        alone, again, both = (page.request(url=path + also, **send) for also in ("", f"?also={GOOD[0]}", f"?also={GOOD[1]}"))
        assert [answer.status_code for answer in (alone, again, both)] == [200] * 3
        assert again.content == alone.content
        assert both.content != alone.content
        assert page.request(url=f"{path}?also=nobody.png", **send).status_code == 404


def test_a_motion_is_loaded_labelled_and_painted_and_a_wrong_one_is_one_line(folder: PhotoFolder, tmp_path: Path) -> None:
    moving = MotionStudio(folder, load_generator(*write_weights(tmp_path / "weights")), 0.15)
    page = client(folder, moving=moving)
    known = page.get("/api/photos").json()
    assert (known["motions"], known["motion"]) == (True, False)
    assert page.get(f"/api/motion/{GOOD[0]}/0").text == "there is no motion yet; load one"
    content = (ROOT / "examples" / "motion.json").read_text(encoding="utf-8")
    assert page.put("/api/motion", content=content).status_code == 204
    for wrong in ("", "{}", "[1]", content[:3000], content.replace("hips", "hip", 1), '{"fps": NaN, "frames": []}'):
        refused = page.put("/api/motion", content=wrong)
        assert refused.status_code == 422
        assert refused.text.startswith("motion: ")
        assert "\n" not in refused.text
    long = json.dumps(json.loads(content) | {"frames": json.loads(content)["frames"][:1] * (MOST_FRAMES + 1)})
    assert f"expected at most {MOST_FRAMES} frames to play, found {MOST_FRAMES + 1}" in page.put("/api/motion", content=long).text
    before = page.get("/api/motion").json()
    assert before == json.loads(content)  # the one that was there before
    shown = page.get(f"/api/motion/{GOOD[0]}").json()
    assert len(shown["frames"]) == len(before["frames"])
    inside = np.array(shown["frames"][0]["joints"])
    assert (inside > -20).all()
    assert (inside < np.array([180, 220])).all()  # in px of the photo, of whatever picture the motion is
    change = {"limb": "left_forearm", "start": 2, "stop": 3, "label": -1}
    images = []
    for value in (-1, 1):
        assert page.patch("/api/motion", json=change | {"label": value}).status_code == 204
        answer = page.get(f"/api/motion/{GOOD[0]}/2")
        assert int(answer.headers["x-milliseconds"]) >= 0
        images.append(answer.content)
    assert images[0] != images[1]
    after = page.get("/api/motion").json()
    turned = [number for number, (one, other) in enumerate(zip(before["frames"], after["frames"], strict=True)) if one != other]
    assert set(turned) <= {2, 3}
    assert after["frames"][2]["labels"]["left_forearm"] == 1
    for wrong_change in ({"limb": "tail"}, {"start": 4}, {"stop": 10_000}, {"start": -1}):
        assert page.patch("/api/motion", json=change | wrong_change).status_code == 422
    for no_change in ({"limb": None}, {"label": 2}, {"label": None}, {"start": True}):
        assert page.patch("/api/motion", json=change | no_change).status_code == 400
    assert page.get(f"/api/motion/{GOOD[0]}/9999").text == f"expected a frame from 0 to {len(before['frames']) - 1}, found 9999"
    assert page.get(f"/api/motion/{TEXT}/0").status_code == 422
    assert client(folder).get(f"/api/motion/{GOOD[0]}/0").status_code == 404


def run(*arguments: str) -> str:
    result = CliRunner().invoke(label_depth.main, [*arguments, "--no-browser", "--params", str(ROOT / "params.yaml")])
    assert result.exit_code == 1, result.output
    return result.output


def test_people_keep_their_proportions_in_a_motion_whose_labels_change(folder: PhotoFolder, tmp_path: Path) -> None:
    """Where the weights have a lifter, which says how long their bones are."""
    model = write_model(tmp_path / "model")
    moving = MotionStudio(folder, load_generator(model / "g1.safetensors", model / "g2.safetensors"), 0.15)
    plain = MotionStudio(folder, load_generator(*write_weights(tmp_path / "weights")), 0.15)
    content = (ROOT / "examples" / "motion.json").read_text(encoding="utf-8")
    for one in (moving, plain):
        one.load(content)
    kept = json.loads(moving.shown((GOOD[0],)))["frames"]
    assert [frame["labels"] for frame in kept] == [frame["labels"] for frame in json.loads(plain.shown((GOOD[0],)))["frames"]]
    assert [frame["joints"] for frame in kept] != [frame["joints"] for frame in json.loads(plain.shown((GOOD[0],)))["frames"]]
    moving.label("left_forearm", 2, 3, -1)
    after = json.loads(moving.shown((GOOD[0],)))["frames"]
    assert [frame["joints"] for frame in after] == [frame["joints"] for frame in kept]
    assert after[2]["labels"] != kept[2]["labels"]
    assert json.loads(moving.content())["frames"][0] == json.loads(content)["frames"][0]  # what is saved is the motion as it was


def test_a_motion_is_asked_for_whole(folder: PhotoFolder) -> None:
    assert "expected --motion, of which --sequence" in run(str(folder.root), "--sequence", "S9/Walking 1")
    assert "give --g1 and --g2, or --pretrained, too" in run(str(folder.root), "--motion", str(ROOT / "examples" / "motion.json"))


def test_what_is_wrong_from_the_start_is_one_line_and_writes_nothing(folder: PhotoFolder, tmp_path: Path) -> None:
    more = ",".join(HEADER) + f"\n{GOOD[0]}{',0' * (N_LIMBS + 1)}\n"
    folder.label_file.write_text(more, encoding="utf-8")
    assert f"line 2: expected a name and {N_LIMBS} labels, found {N_LIMBS + 1} labels" in run(str(folder.root))
    assert folder.label_file.read_text(encoding="utf-8") == more
    folder.label_file.unlink()
    assert "expected --g1 and --g2 together" in run(str(folder.root), "--g1", str(folder.root / "annotation.csv"))
    (folder.root / "annotation.csv").rename(tmp_path / "elsewhere.csv")
    assert "expected keypoints, *annotation*.csv, found none; find them with pose25d find-keypoints" in run(str(folder.root))
    shutil.copy(tmp_path / "elsewhere.csv", folder.root / "annotation.csv")
    before = sorted(folder.root.iterdir())
    for depth in (folder.root, folder.root / GOOD[0], folder.root / "annotation.csv", Path("/dev/null")):
        content = depth.read_bytes() if depth.is_file() else None
        assert run(str(folder.root), "--labels", str(depth)).count("\n") == 1
        assert content is None or depth.read_bytes() == content
    assert sorted(folder.root.iterdir()) == before
    assert "expected the name of a file to write, found a folder" in run(str(folder.root), "--labels", str(folder.root))
    (tmp_path / "empty").mkdir()
    assert "expected pictures, .jpg or .png" in run(str(tmp_path / "empty"))


@pytest.fixture
def server(folder: PhotoFolder, tmp_path: Path) -> Iterator[tuple[str, list[str]]]:
    """A page that was started with a browser that only notes what it is told to open: its address, and the browser's command line."""
    shutil.copy(folder.root / GOOD[0], folder.root / "100%2e_1.png")
    write_annotations(folder.root / "annotation-2.csv", {"100%2e_1.png": POINTS})
    command = [sys.executable, "-m", "pose25d.label", str(folder.root)]
    with subprocess.Popen(
        command, cwd=ROOT, env=note_what_is_opened(tmp_path), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in range(2)]
        deadline = time.monotonic() + 20
        while not (tmp_path / "opened").exists():
            assert time.monotonic() < deadline, lines
            time.sleep(0.02)
        yield lines[1].split()[1], (tmp_path / "opened").read_text(encoding="utf-8").splitlines()
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=20)


def test_other_users_see_no_token_in_the_browsers_command_line(server: tuple[str, list[str]], tmp_path: Path) -> None:
    address, (opened,) = server
    token = address.partition("token=")[2]
    assert len(token) >= 32
    assert token not in opened
    page = Path(urlsplit(opened).path)
    assert page.is_relative_to(tmp_path)
    assert (stat.S_IMODE(page.stat().st_mode), stat.S_IMODE(page.parent.stat().st_mode)) == (0o600, 0o700)
    assert address in page.read_text(encoding="utf-8")
    with httpx2.Client(follow_redirects=True) as visitor:
        assert visitor.get(address.partition("?")[0]).status_code == 403
        assert page.exists()
        assert visitor.get(address).status_code == 200
        assert not page.parent.exists()  # it has served its purpose
        assert visitor.get(address.partition("?")[0] + "image/100%252e_1.png").status_code == 200
        assert visitor.get(address.partition("?")[0] + "image/100%2e_1.png").status_code == 404


def test_two_peoples_files_are_merged_with_a_report(tmp_path: Path) -> None:
    write_label_file(tmp_path / "ann.csv", {"a.png": (1,) * N_LIMBS, "b.png": (0, *UNLABELLED[1:])})
    write_label_file(tmp_path / "bob.csv", {"a.png": (1, -1, *(1,) * (N_LIMBS - 2)), "c.png": (0,) * N_LIMBS})
    files = [str(tmp_path / name) for name in ("ann.csv", "bob.csv", "both.csv")]
    result = CliRunner().invoke(merge_labels.main, [*files, "--params", str(ROOT / "params.yaml")])
    assert result.exit_code == 0, result.output
    assert "a.png, right_calf: in front in the first, occluded in the second" in result.output
    assert "3 pictures" in result.output
    assert f"{N_LIMBS} limbs were labelled twice, {100 * (1 - 1 / N_LIMBS):.1f} % of them alike" in result.output
    assert read_label_file(tmp_path / "both.csv") == {
        "a.png": (1, None, *(1,) * (N_LIMBS - 2)),
        "b.png": (0, *UNLABELLED[1:]),
        "c.png": (0,) * N_LIMBS,
    }


def merge(*arguments: object) -> Result:
    return CliRunner().invoke(merge_labels.main, [*map(str, arguments), "--params", str(ROOT / "params.yaml")])


def test_merged_labels_never_replace_others_unasked(folder: PhotoFolder, tmp_path: Path) -> None:
    ann, bob, mine = tmp_path / "ann.csv", tmp_path / "bob.csv", folder.label_file
    write_label_file(ann, {GOOD[0]: (1,) * N_LIMBS})
    write_label_file(bob, {GOOD[0]: (-1,) * N_LIMBS, GOOD[1]: (0,) * N_LIMBS})
    write_label_file(mine, {GOOD[2]: (0,) * N_LIMBS})
    before = {path: path.read_bytes() for path in (ann, bob, mine)}
    for target in (mine, ann, bob):
        refused = merge(ann, bob, target)
        assert refused.exit_code == 1
        assert refused.output == f"Error: {target}: is there already, and is not replaced; give another name, or --force to replace it\n"
    assert {path: path.read_bytes() for path in before} == before
    assert merge(ann, bob, mine, "--force").exit_code == 0
    assert read_label_file(mine) == {GOOD[1]: (0,) * N_LIMBS}
    assert merge(ann, bob, bob, "--force").exit_code == 0
    assert read_label_file(bob) == {GOOD[1]: (0,) * N_LIMBS}


def test_merged_labels_replace_nothing_but_labels(folder: PhotoFolder, tmp_path: Path) -> None:
    write_label_file(tmp_path / "a.csv", {GOOD[0]: (1,) * N_LIMBS})
    before = {path: path.read_bytes() for path in folder.root.iterdir()}
    for target in (folder.root, folder.root / "annotation.csv", folder.root / GOOD[0], folder.root / GOOD[0] / "depth.csv", Path("/dev/null")):
        for force in ((), ("--force",)):
            refused = merge(tmp_path / "a.csv", tmp_path / "a.csv", target, *force)
            assert refused.exit_code == 1
            assert refused.output.count("\n") == 1
    assert {path: path.read_bytes() for path in folder.root.iterdir()} == before
    assert not Path("/dev/null").is_file()


def test_a_folder_whose_keypoints_are_of_others_is_one_line(folder: PhotoFolder) -> None:
    for name in (*GOOD, TEXT, HUGE):
        (folder.root / name).unlink()
    with pytest.raises(UserError, match=r"none of the 1 pictures has keypoints in annotation\.csv"):
        PhotoFolder(folder.root)


JSON_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.sampled_from([0, 1, -1, 1e308, -1e308, 1e5, 1e-300, float("nan"), float("inf"), 10**400])
    | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=8) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
POINT_VALUES = st.none() | st.lists(st.floats() | st.sampled_from([0, 50, 1e308, -1e308, 1e19, 1e5]), min_size=2, max_size=2) | JSON_VALUES


@pytest.fixture(scope="module")
def page_with_studio(tmp_path_factory: pytest.TempPathFactory) -> TestClient:
    root = tmp_path_factory.mktemp("page")
    folder = PhotoFolder(write_folder(root / "photos"))
    return client(folder, studio=PoseStudio(folder, load_generator(*write_weights(root / "weights")), 0.15))


@settings(max_examples=150, deadline=None)
@given(JSON_VALUES, JSON_VALUES)
@example([0] * N_LIMBS, None)
def test_any_answer_is_saved_or_refused(page_with_studio: TestClient, labels: object, before: object) -> None:
    content = json.dumps({"labels": labels, "before": before})
    assert page_with_studio.put(f"/api/labels/{GOOD[0]}", content=content).status_code in (400, 409)


@settings(max_examples=150, deadline=None)
@given(st.dictionaries(st.sampled_from(H36M_17.names), POINT_VALUES), st.dictionaries(st.sampled_from(LIMB_NAMES), JSON_VALUES, max_size=3))
def test_any_pose_is_painted_or_refused(page_with_studio: TestClient, joints: dict[str, object], labels: dict[str, object]) -> None:
    pose = dict(zip(H36M_17.names, to_h36m_17(POINTS).tolist(), strict=True)) | joints
    answer = page_with_studio.post(f"/api/paint/{GOOD[0]}", content=json.dumps({"joints": pose, "labels": labels}))
    assert answer.status_code in (200, 422)
    assert answer.status_code == 200 or answer.text


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from(["", "image/", "api/photo/", "static/", "api/labels/", "api/motion/"]),
    st.text(max_size=12),
    st.sampled_from(["GET", "PUT", "POST", "DELETE"]),
)
def test_any_path_is_answered(page_with_studio: TestClient, start: str, rest: str, method: str) -> None:
    name = quote(rest.encode("utf-8", "surrogatepass"), safe="")
    assert page_with_studio.request(method, f"/{start}{name}").status_code in (200, 400, 404, 405)
