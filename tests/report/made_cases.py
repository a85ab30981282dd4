"""What the tests of the report share: invented cases, and everything that the stage reads."""

from html.parser import HTMLParser

import h5py
import numpy as np
from click.testing import CliRunner

from pipeline.evaluation.examples.cases import (
    Appearances,
    Demonstrations,
    Examples,
    Steps,
    TwinExamples,
)
from pipeline.evaluation.examples.demonstrations import KINDS
from pipeline.packs.frame_store import store_path, write_frames
from pipeline.pose.skeleton import LIMBS
from stages.report import main

RNG = np.random.default_rng(0)
LIFTED = {"lift_error": 52.6, "lift_error_flat": 130.2, "lift_sign": 0.9012}
LABELS_KNOWN = {"label_accuracy": 0.9, "label_accuracy_all": 0.85, "label_accuracy_balanced": 0.8}


def images(rows):
    return RNG.integers(0, 256, (rows, 32, 16, 3)).astype(np.uint8)


def pose(rows):
    return RNG.uniform(2, 14, (rows, 17, 2)).astype(np.float32)


def labels(rows):
    return RNG.integers(-1, 2, (rows, len(LIMBS))).astype(np.int8)


def captions(rows):
    return np.array([f"S9/Directions 1/54138969/{row} <b>" for row in range(rows)], dtype=np.str_)


def shown(rows):
    return Examples(*(images(rows) for _ in range(5)), pose(rows), labels(rows), pose(rows), labels(rows), RNG.random(rows), captions(rows))


def shown_twins(rows, cls=TwinExamples, **more):
    right = np.array([[1, 0], [0.5, 1], [0, 0]])[:rows]
    return cls(*(images(rows) for _ in range(5)), pose(rows), labels(rows), labels(rows), right, captions(rows), **more)


def demonstrations(rows):
    return shown_twins(rows, Demonstrations, kind=np.array(KINDS, dtype=np.str_)[:rows])


def steps(rows):
    return Steps(images(rows), pose(rows), labels(rows), *(images(rows) for _ in range(5)), captions(rows))


def appearances(rows):
    several = [np.stack([images(count) for _ in range(rows)]) if rows else np.empty((0, count, 32, 16, 3), np.uint8) for count in (5, 2)]
    return Appearances(images(rows), images(rows), pose(rows), labels(rows), *several, captions(rows))


def depth(orders):
    """As evaluation writes it: all of the refined image's figures, and the interval of each image."""
    short = {image: {name: order[name] for name in ("order_accuracy", "order_low", "order_high")} for image, order in orders.items()}
    return orders["refined"] | {"order_by_image": short}


def write_views(folder, subject, frames=(0, 5, 10), reach=200.0):
    """Two cameras of one sequence, 400 px wide videos stored at half size, a red square of 100 px around the person."""
    with h5py.File(folder / "poses" / f"{subject}.h5", "w") as file:
        for camera in ("54138969", "55011271"):
            view = file.create_group(f"Directions 1/{camera}")
            view["frame"] = np.array(frames, dtype=np.int32)
            view["pose_2d"] = RNG.uniform(reach - 50, reach + 50, (len(frames), 17, 2)).astype(np.float32)
            view["label"] = labels(len(frames))
            image = np.full((200, 200, 3), 255, dtype=np.uint8)
            image[75:125, 75:125] = (255, 0, 0)
            path = store_path(folder / "frames" / subject, "Directions 1", camera)
            write_frames(path, [image] * 3, np.array([0, 5, 10]), (400, 400), (200, 200), 50.0)


def run(folder, params="params.yaml"):
    arguments = ["cases.npz", "test.json", "g1", "g2", "report.html", "samples"]
    recordings = ["--recordings", *(str(folder / name) for name in ("manifest", "frames", "poses"))]
    (folder / "params.yaml").write_text(
        "data: {kind: recordings, root: x, subjects: [S1, S9], test_subjects: [S9], cameras: all, fps: 10, "
        "frame_height: 9, image_size: [32, 16], margin: 0.1, skip_bad: false, exclude: []}",
        encoding="utf-8",
    )
    return CliRunner().invoke(main, [*(str(folder / name) for name in arguments), *recordings, "--params", str(folder / params)])


def section(text, name):
    return text[text.index(f'<section id="{name}">') :].split("</section>")[0]


class Page(HTMLParser):
    """Ids, addresses and open tags of a page."""

    def __init__(self, text):
        super().__init__()
        self.ids, self.addresses, self.open = [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.ids += [value for name, value in attrs if name == "id"]
        self.addresses += [value for name, value in attrs if name in ("href", "src", "action", "srcset", "data")]
        if tag not in ("img", "meta", "br", "link"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag, tag
