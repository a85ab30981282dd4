"""The page in a real browser: open, label by click and by key, undo, reload, and the file on disk is right; the studio repaints and exports."""

import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from example_pose import EXAMPLES
from photo_folder import GOOD, HUGE, TEXT, note_what_is_opened, write_folder, write_weights
from selenium import webdriver
from selenium.webdriver import ActionChains, Keys
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement

from pipeline.datasets.human36m.probe import probe_video
from pipeline.datasets.photos.hand_labels import read_label_file
from pipeline.motion.motion_file import read_motion
from pipeline.pose.pose_file import read_pose
from pipeline.pose.skeleton import LIMB_NAMES
from pipeline.utils.pictures import read_picture

ROOT = Path(__file__).resolve().parents[2]
CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
FLAGS = (
    *("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-quic", "--no-first-run", "--window-size=1300,900"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-default-apps"),
)
pytestmark = [
    pytest.mark.skipif(not (CHROMIUM and DRIVER), reason="no chromium and chromedriver on this machine (apt-get install chromium chromium-driver)"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]


class Visit:
    """A running page and a browser that looks at it."""

    def __init__(self, root: Path, address: str, browser: webdriver.Chrome) -> None:
        self.root, self.address, self.browser = root, address, browser

    def open(self, address: str | None = None) -> None:
        self.browser.get(address or self.address)
        self.loaded()

    def loaded(self) -> None:
        """Wait for the page; a document that leads on to the next one has no body for a moment."""
        self.until(lambda: self.browser.execute_script("return document.body?.dataset.ready"))

    def until(self, holds: Callable[[], object]) -> None:
        deadline = time.monotonic() + 20
        while not holds():
            assert time.monotonic() < deadline, self.browser.find_element(By.TAG_NAME, "body").text
            time.sleep(0.05)

    def find(self, selector: str) -> WebElement:
        return self.browser.find_element(By.CSS_SELECTOR, selector)

    def text(self, selector: str) -> str:
        """What an element says now, read in one go: lists are drawn anew at every change."""
        return str(self.browser.execute_script("return document.querySelector(arguments[0])?.innerText ?? ''", selector))

    def keys(self, *keys: str) -> None:
        for key in keys:
            self.find("body").send_keys(key)

    def saved(self) -> None:
        self.until(lambda: self.text("#status") in ("saved", "every photo is labelled"))

    def at(self, name: str) -> None:
        self.until(lambda: self.text("#name") == name)

    def said(self, limb: str) -> str:
        return self.text(f"button[data-limb={limb}] .what")

    def on_disk(self, name: str) -> dict[str, int | None]:
        path = self.root / "depth.csv"
        labels = read_label_file(path).get(name) if path.is_file() else None
        return dict(zip(LIMB_NAMES, labels, strict=True)) if labels else {}


@contextmanager
def serving(root: Path, *options: str, **settings: Any) -> Iterator[str]:
    """A page on the folder that runs; its address."""
    command = [sys.executable, "-m", "pose25d.label", str(root), *options]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **settings) as server:
        assert server.stdout is not None
        lines = [server.stdout.readline() for _ in range(2)]
        address = re.search(r"http://\S+", lines[1])
        assert address, lines
        try:
            yield address[0]
        finally:
            server.terminate()


@pytest.fixture
def visit(tmp_path: Path) -> Iterator[Visit]:
    root = write_folder(tmp_path / "photos")
    g1, g2 = write_weights(tmp_path / "weights")
    options = webdriver.ChromeOptions()
    options.binary_location = str(CHROMIUM)
    for flag in (*FLAGS, f"--user-data-dir={tmp_path / 'profile'}"):
        options.add_argument(flag)
    with serving(root, "--g1", str(g1), "--g2", str(g2), env=note_what_is_opened(tmp_path)) as address:
        browser = webdriver.Chrome(options=options, service=webdriver.ChromeService(str(DRIVER)))
        browser.execute_cdp_cmd("Browser.setDownloadBehavior", {"behavior": "allow", "downloadPath": str(tmp_path / "downloads")})
        try:
            yield Visit(root, address, browser)
        finally:
            browser.quit()


def limb_on_screen(visit: Visit, limb: str) -> tuple[int, int]:
    """The middle of a limb, in px of the canvas from its middle, as the mouse is moved."""
    script = """
        const one = known.limbs.find((limb) => limb.key === arguments[0]);
        const [a, b] = one.joints.map(place);
        const box = canvas.getBoundingClientRect();
        return [((a[0] + b[0]) / 2) * box.width / canvas.width - box.width / 2, ((a[1] + b[1]) / 2) * box.height / canvas.height - box.height / 2];
    """
    x, y = visit.browser.execute_script(script, limb)
    return round(x), round(y)


def test_labels_are_made_by_click_and_by_key_and_are_there_after_a_reload(visit: Visit) -> None:
    visit.open()
    visit.at(GOOD[0])
    assert "token" not in visit.browser.current_url
    for expected in (0, 1):
        ActionChains(visit.browser).move_to_element_with_offset(visit.find("#canvas"), *limb_on_screen(visit, "left_forearm")).click().perform()
        visit.saved()
        visit.until(lambda expected=expected: visit.on_disk(GOOD[0]).get("left_forearm") == expected)
    visit.keys("1", "1", "1")  # level, in front, occluded
    visit.keys(Keys.ARROW_DOWN, "-", Keys.ARROW_DOWN, "+")
    visit.until(lambda: visit.on_disk(GOOD[0]).get("left_thigh") == 1)
    assert visit.on_disk(GOOD[0]) == {
        **dict.fromkeys(LIMB_NAMES),
        "left_forearm": 1,
        "right_thigh": -1,
        "right_calf": -1,
        "left_thigh": 1,
    }
    visit.keys("u")
    visit.until(lambda: visit.on_disk(GOOD[0]).get("left_thigh", 0) is None)
    visit.browser.refresh()
    visit.loaded()
    visit.at(GOOD[0])
    assert visit.said("right_thigh") == "− occluded"
    assert visit.said("left_forearm") == "+ in front"
    assert visit.said("left_thigh") == "?"


def test_a_whole_folder_is_labelled_by_the_keyboard_and_bad_pictures_are_passed_by(visit: Visit) -> None:
    visit.open()
    for name in GOOD:
        visit.at(name)
        visit.keys(Keys.ENTER)
    visit.at(TEXT)
    assert "no picture" in visit.find("#trouble").text
    visit.keys("n")
    visit.at(HUGE)
    assert "10000 x 10000 px is too large" in visit.find("#trouble").text
    visit.keys(Keys.ARROW_LEFT, Keys.ARROW_LEFT)
    visit.at(GOOD[2])
    assert visit.find("#count").text == "3 of 5 labelled"
    assert all(set(visit.on_disk(name).values()) == {0} for name in GOOD)


def test_the_page_without_its_token_says_so(visit: Visit) -> None:
    visit.browser.get(visit.address.partition("?")[0])
    assert "open the address that the terminal shows" in visit.find("body").text


def test_the_file_that_the_browser_is_told_to_open_leads_to_the_page(visit: Visit, tmp_path: Path) -> None:
    visit.until((tmp_path / "opened").exists)
    opened = (tmp_path / "opened").read_text(encoding="utf-8").strip()
    assert opened.startswith("file://")
    visit.open(opened)
    visit.at(GOOD[0])
    assert visit.browser.current_url == visit.address.partition("?")[0]
    visit.keys("1")
    visit.saved()
    assert visit.on_disk(GOOD[0])["right_thigh"] == 0


def test_two_pages_in_one_browser_stay_open(visit: Visit, tmp_path: Path) -> None:
    visit.open()
    others = write_folder(tmp_path / "others")
    shutil.copy(others / GOOD[0], others / os.fsdecode(b"\xff_1.png"))
    with serving(others, "--no-browser") as other:
        visit.open(other)
        assert visit.text("#without").startswith("1 more without keypoints: eve_1bare.png. 1 left out: \\xff_1.png, its name is not UTF-8")
        for address in (visit.address, other):
            visit.open(address.partition("?")[0])
            visit.at(GOOD[0])


def test_an_answer_that_is_not_saved_is_not_shown_as_saved(visit: Visit) -> None:
    visit.open()
    visit.at(GOOD[0])
    (visit.root / "depth.csv").mkdir()
    visit.keys("1")
    visit.until(lambda: "not saved: " in visit.text("#status"))
    visit.until(lambda: visit.said("right_thigh") == "?")
    visit.keys(Keys.ENTER)
    visit.until(lambda: "found a folder" in visit.text("#status"))
    visit.until(lambda: visit.said("right_calf") == "?")
    assert visit.find("#name").text == GOOD[0]
    assert visit.find("#count").text == "0 of 5 labelled"
    (visit.root / "depth.csv").rmdir()
    visit.keys(Keys.ENTER)
    visit.at(GOOD[1])
    assert visit.find("#count").text == "1 of 5 labelled"


def test_an_answer_goes_to_the_photo_that_is_shown(visit: Visit) -> None:
    """Keys that come while the next photo is on its way answer neither it nor the one before."""
    visit.open()
    visit.at(GOOD[0])
    visit.keys("1")
    visit.saved()
    labels = "(name) => fetch(`api/photo/${name}`).then((answer) => answer.json()).then((one) => one.labels)"
    visit.browser.execute_script("open(1); set(1, 1); accept();")
    visit.at(GOOD[1])
    visit.browser.execute_script("return saving")
    assert visit.browser.execute_script(f"return ({labels})(arguments[0])", GOOD[1]) == [None] * len(LIMB_NAMES)
    assert visit.on_disk(GOOD[0]) == {**dict.fromkeys(LIMB_NAMES), "right_thigh": 0}


def test_where_nothing_is_left_to_label_the_page_begins_in_the_studio(visit: Visit) -> None:
    visit.open()
    assert not visit.find("#painted").is_displayed()
    write = """Promise.all(arguments[0].map((name) => fetch(`api/labels/${name}`, { method: "PUT", body: JSON.stringify({ labels: arguments[1] }) })))
        .then((answers) => arguments[2](answers.map((one) => one.status)))"""
    assert set(visit.browser.execute_async_script(write, [*GOOD, TEXT, HUGE], [0] * len(LIMB_NAMES))) == {200}
    visit.open()
    assert visit.find("#mode-studio").get_attribute("aria-selected") == "true"
    visit.until(lambda: "painted in" in visit.text("#taken"))


def test_the_studio_plays_a_motion_whose_labels_are_turned_and_saves_it(visit: Visit, tmp_path: Path) -> None:
    visit.open()
    visit.at(GOOD[0])
    visit.keys("s")
    visit.find("#motion-file").send_keys(str(EXAMPLES / "motion.json"))
    length = len(read_motion(EXAMPLES / "motion.json"))
    visit.until(lambda: visit.text("#frame-number") == f"0 of {length - 1}")
    visit.until(lambda: visit.find("#painting").get_attribute("src"))
    first = visit.find("#painting").get_attribute("src")
    visit.find("#play").click()
    visit.until(lambda: visit.text("#frame-number") == f"{length - 1} of {length - 1}" and visit.text("#play") == "Play")
    assert visit.find("#painting").get_attribute("src") != first
    milliseconds = re.match(r"painted in (\d+) ms", visit.text("#taken"))
    assert milliseconds
    assert int(milliseconds[1]) < 1000  # a busy machine is slow; the benchmark says how long it takes
    visit.browser.execute_script("for (const [id, value] of [['first', 4], ['last', 8], ['frame', 5]]) byId(id).value = value")
    visit.browser.execute_script("byId('frame').dispatchEvent(new Event('input'))")
    visit.until(lambda: visit.text("#frame-number").startswith("5 of"))
    before = visit.said("left_calf")
    visit.browser.execute_script("turn(known.limbs.findIndex((one) => one.key === 'left_calf'))")
    visit.until(lambda: visit.said("left_calf") != before)
    for button, name in (("#save-motion", "motion.json"), ("#save-film", "ann_1front-motion.mp4")):
        visit.find(button).click()
        visit.until(lambda name=name: (tmp_path / "downloads" / name).is_file())
    saved, given = read_motion(tmp_path / "downloads" / "motion.json"), read_motion(EXAMPLES / "motion.json")
    changed = np.argwhere(saved.label != given.label)
    assert set(changed[:, 1]) == {LIMB_NAMES.index("left_calf")}
    assert set(changed[:, 0]) <= set(range(4, 9))
    assert 5 in changed[:, 0]
    assert probe_video(tmp_path / "downloads" / "ann_1front-motion.mp4").frames == length
    visit.find("#leave-motion").click()
    visit.until(lambda: visit.find("#studio-tools").is_displayed())


def test_the_studio_repaints_while_a_joint_is_dragged_and_exports(visit: Visit, tmp_path: Path) -> None:
    visit.open()
    visit.at(GOOD[0])
    visit.keys("s")
    visit.until(lambda: visit.find("#painting").get_attribute("src"))
    first = visit.find("#painting").get_attribute("src")
    script = """
        const [x, y] = place(known.joints.indexOf("right_wrist")), box = canvas.getBoundingClientRect();
        return [x * box.width / canvas.width - box.width / 2, y * box.height / canvas.height - box.height / 2];
    """
    x, y = (round(value) for value in visit.browser.execute_script(script))
    wrist = visit.browser.execute_script("return pose.joints[known.joints.indexOf('right_wrist')]")
    pointer = ActionChains(visit.browser).move_to_element_with_offset(visit.find("#canvas"), x, y)
    pointer.click_and_hold().move_by_offset(-20, -30).move_by_offset(-20, -30).release().perform()
    visit.until(lambda: visit.find("#painting").get_attribute("src") != first)
    moved = visit.browser.execute_script("return pose.joints[known.joints.indexOf('right_wrist')]")
    assert moved[0] < wrist[0]
    assert moved[1] < wrist[1]
    visit.keys("8", "8")  # in front, then occluded
    assert visit.said("right_forearm") == "− occluded"
    visit.until(lambda: re.fullmatch(r"painted in \d+ ms .*", visit.find("#taken").text))
    assert visit.on_disk(GOOD[0]) == {}
    for button, suffix in (("#save-pose", "pose.json"), ("#save-picture", "painted.png")):
        visit.find(button).click()
        visit.until(lambda suffix=suffix: (tmp_path / "downloads" / f"ann_1front-{suffix}").is_file())
    pose = read_pose(tmp_path / "downloads" / "ann_1front-pose.json")
    assert pose.label[LIMB_NAMES.index("right_forearm")] == -1
    assert abs(pose.pose_2d[16] - moved).max() < 1e-3
    assert read_picture(tmp_path / "downloads" / "ann_1front-painted.png").shape == (512, 256, 3)
    assert json.loads((tmp_path / "downloads" / "ann_1front-pose.json").read_text(encoding="utf-8"))["joints"].keys() >= {"hips", "head"}


def test_other_photos_of_the_person_are_ticked_in_the_studio(visit: Visit) -> None:
    visit.open()
    visit.at(GOOD[0])
    assert not visit.browser.find_elements(By.CSS_SELECTOR, "#photos input")
    visit.keys("s")
    visit.until(lambda: visit.find("#painting").get_attribute("src"))
    first = visit.find("#painting").get_attribute("src")
    box = visit.find(f"#photos input[aria-label='{GOOD[1]} also shows this person']")
    box.click()
    visit.until(lambda: visit.find("#painting").get_attribute("src") != first)
    assert visit.browser.execute_script("return performance.getEntriesByType('resource').at(-1).name").endswith(
        f"/api/paint/{GOOD[0]}?also={GOOD[1]}"
    )
    visit.browser.execute_script("open(1)")  # the other one, with which the first stays ticked
    visit.at(GOOD[1])
    visit.until(lambda: visit.browser.execute_script("return [...also]") == [GOOD[0]])
    visit.browser.execute_script("open(2)")  # somebody else
    visit.at(GOOD[2])
    visit.until(lambda: visit.browser.execute_script("return [...also]") == [])
