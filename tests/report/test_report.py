"""The report: every section, nothing from outside, the same bytes each time."""

import json
import re
import subprocess
import sys
from dataclasses import replace
from html.parser import HTMLParser

import h5py
import numpy as np
import pytest
import torch
from click.testing import CliRunner
from standing import RULE
from torch import Tensor, nn

from pipeline.config.evaluate import EvaluateConfig
from pipeline.config.pose import MapConfig
from pipeline.evaluation.evaluate import evaluate
from pipeline.evaluation.examples.cases import (
    Appearances,
    Cases,
    Demonstrations,
    Examples,
    Labels,
    Pairs,
    Steps,
    TwinExamples,
    read_cases,
    write_cases,
)
from pipeline.evaluation.examples.demonstrations import KINDS
from pipeline.evaluation.scores.declared import GROUPED_SCORES, SCORES
from pipeline.evaluation.scores.depth import order_accuracy
from pipeline.evaluation.scores.summary import DISTANCES, by_group, summary
from pipeline.inference.generator import Generator
from pipeline.inference.images import IMAGES
from pipeline.networks.lifter import Lifter
from pipeline.packs.frame_store import store_path, write_frames
from pipeline.packs.pack import Pack, Twins
from pipeline.pose.bodies.conditioning import BodyConditioning
from pipeline.pose.bodies.maps import N_PARTS, part_map
from pipeline.report.curves import read_curves
from pipeline.report.figures import read_figures
from pipeline.report.frame_tiles import frame_tiles
from pipeline.report.html import render_report
from pipeline.report.image_rows import COLUMNS, DEMONSTRATION_COLUMNS, TWIN_COLUMNS, appearance_rows, pair_rows, twin_rows
from pipeline.report.left_out import left_out_lines, read_left_out
from pipeline.report.pictures import RIGHT, WRONG, draw_demonstrations, write_pictures
from pipeline.utils.errors import UserError
from pipeline.utils.files import write_json
from stages.report import main

GROUPED = [score.name for score in GROUPED_SCORES]
RNG = np.random.default_rng(0)
SECTIONS = ["scores", "depth", "demonstrations", "samples", "best", "worst", "twins", "breakdown", "labels", "curves", "frames", "left-out"]
LIFTED = {"lift_error": 52.6, "lift_error_flat": 130.2, "lift_sign": 0.9012}
LABELS_KNOWN = {"label_accuracy": 0.9, "label_accuracy_all": 0.85, "label_accuracy_balanced": 0.8}


def images(rows):
    return RNG.integers(0, 256, (rows, 32, 16, 3)).astype(np.uint8)


def pose(rows):
    return RNG.uniform(2, 14, (rows, 17, 2)).astype(np.float32)


def labels(rows):
    return RNG.integers(-1, 2, (rows, 8)).astype(np.int8)


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


@pytest.fixture
def cases():
    return Cases(
        pairs=Pairs(captions(6), captions(6), np.arange(6.0), RNG.random((len(IMAGES), len(SCORES), 6)).astype(np.float32)),
        samples=shown(3),
        best=shown(2),
        worst=shown(2),
        twins=shown_twins(2),
        demonstrations=demonstrations(3),
        steps=steps(2),
        appearances=appearances(0),
        labels=Labels(RNG.integers(0, 9, (8, 3, 3))),
    )


def depth(orders):
    """As evaluation writes it: all of the refined image's figures, and the interval of each image."""
    short = {image: {name: order[name] for name in ("order_accuracy", "order_low", "order_high")} for image, order in orders.items()}
    return orders["refined"] | {"order_by_image": short}


@pytest.fixture
def figures(cases):
    per_image = {image: dict(zip(SCORES, values, strict=True)) for image, values in zip(IMAGES, cases.pairs.scores, strict=True)}
    people = np.array(["ann", "bob"] * 4)
    orders = {image: order_accuracy(RNG.integers(0, 2, (8, 2)), np.arange(8) % 4, np.arange(8) > 1, people) for image in IMAGES}
    return {
        "pairs": 6,
        "generator": "pg2",
        "latent": {"kl": None, "swap": None},
        **{image: summary(values) for image, values in per_image.items()},
        "depth": depth(orders) | LABELS_KNOWN | LIFTED | {"response": 0.1, "response_alone": None},
        "by": {
            "action": by_group(np.array(["Directions <i>"] * 6), per_image),
            "view": by_group(np.array(["same"] * 6), per_image, ("same", "other")),
            "distance": by_group(np.array(["near"] * 6), per_image, DISTANCES),
        },
    }


@pytest.fixture
def folders(tmp_path, cases, figures):
    """Everything that stage report reads."""
    write_cases(tmp_path / "cases.npz", cases)
    (tmp_path / "test.json").write_text(json.dumps(figures), encoding="utf-8")
    for stage, name in (("g1", "l1"), ("g2", "g2/adversarial")):
        table = (tmp_path / stage / "plots" / "metrics" / name).with_suffix(".tsv")
        table.parent.mkdir(parents=True)
        table.write_text(f"step\t{table.stem}\n10\t0.5\n20\t2.5e-1\n", encoding="utf-8")
    (tmp_path / "poses").mkdir()
    for subject in ("S1", "S9"):
        (tmp_path / "frames" / subject).mkdir(parents=True)
        write_views(tmp_path, subject)
    undecodable = {"sequence": "Walking 1", "camera": "55011271", "reason": "cannot be decoded"}
    excluded = {"sequence": "Greeting", "camera": None, "reason": "excluded"}
    (tmp_path / "manifest").mkdir()
    for subject, by_index, by_extract in (("S1", [], []), ("S9", [excluded], [undecodable])):
        write_json(tmp_path / "manifest" / f"{subject}.videos.json", {"left_out": by_index})
        write_json(tmp_path / "frames" / subject / "report.json", {"left_out": by_extract})
    return tmp_path


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


COLOURS = torch.from_numpy(RNG.integers(0, 256, (N_PARTS + 1, 3)))  # background and parts of the people of `crossing`
# Condition from behind: the right forearm lies across the torso.
CROSSING = np.array(
    [
        [16, 19, 19, 19, 13, 13, 13, 16, 16, 16, 16, 11, 7, 6, 21, 25, 15],
        [34, 34, 45, 57, 34, 45, 57, 26, 17, 12, 6, 18, 26, 33, 18, 25, 27],
    ],
    dtype=np.float32,
).T


class PaintsParts(nn.Module):
    """Gives each pixel the colour of the part that the part map shows there: the perfect model of `crossing`."""

    def forward(self, _: Tensor, maps: Tensor) -> Tensor:
        return torch.einsum("bphw,pc->bchw", torch.cat((1 - maps.sum(1, keepdim=True), maps), 1), COLOURS / 127.5 - 1)


class AddsNothing(nn.Module):
    def forward(self, coarse: Tensor, _: Tensor) -> Tensor:
        return torch.zeros_like(coarse)


def crossing(recorded):
    """A pack of as many people as values in `recorded`, two frames each; the first has a twin, whose right forearm has the other label."""
    count, rows = 2 * len(recorded), np.arange(0, 2 * len(recorded), 2)
    label, twin = np.zeros((count, 8), dtype=np.int8), np.zeros((len(recorded), 8), dtype=np.int8)
    label[:, 7], twin[:, 7] = np.repeat(recorded, 2), -np.asarray(recorded)
    pose_2d = CROSSING + RNG.normal(0, 0.5, (count, 17, 2)).astype(np.float32)

    def draw(pose_2d, label):
        return COLOURS[part_map(torch.from_numpy(pose_2d), torch.from_numpy(label), (64, 32))].to(torch.uint8).numpy()

    place = np.zeros((count, 17, 3), dtype=np.float32)
    names = {name: np.array(["x"] * count) for name in ("subject", "sequence", "action", "camera")}
    twins = Twins(draw(pose_2d[rows], twin), rows, np.full(len(rows), 3, dtype=np.int8), twin, place[rows])
    return Pack(
        image=draw(pose_2d, label),
        pose_2d=pose_2d,
        label=label,
        pose_3d=place,
        frame=np.arange(count, dtype=np.int32),
        identity=np.repeat([f"person {number}" for number in range(len(recorded))], 2),
        offset={"x": 0},
        label_truth=None,
        label_clear=None,
        twins=twins,
        **names,
    )


class HandsOn(nn.Module):
    """Paints the colours that are placed on top, and the source where there are none."""

    def forward(self, source: Tensor, maps: Tensor) -> Tensor:
        return torch.where(maps[:, 3:4] > 0, maps[:, :3], source)


def evaluated(pack, depth=True, lifter=None):
    """Figures and cases of the perfect model; of one that does not see depth where `depth` is False; with a lifter, of one that hands on."""
    lift = lifter is not None
    conditioning = BodyConditioning(MapConfig(depth=depth, maps=("parts",), appearance=lift, lift=lift, source=False, heatmap_radius=4), lifter)
    rows = np.arange(0, len(pack), 2)
    pairs = np.stack([rows + 1, rows], axis=1)
    config = EvaluateConfig(batch_size=4, threads=1, samples=2, inception=None, patn=False, pose_net=None)
    return evaluate(Generator(HandsOn() if lift else PaintsParts(), AddsNothing(), conditioning, (64, 32)), pack, pairs, config, torch.device("cpu"))


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


def test_the_page_has_every_section_and_nothing_from_outside(folders):
    result = run(folders)
    assert result.exit_code == 0, result.output
    text = (folders / "report.html").read_text(encoding="utf-8")
    page = Page(text)
    assert page.open == []
    assert page.ids == SECTIONS
    assert all(re.match(r"#|data:image/", address) for address in page.addresses)
    assert {address[1:] for address in page.addresses if address.startswith("#")} == set(SECTIONS)
    assert not re.search(r"https?:|url\(|@import|<script", text)
    assert sum(address.startswith("data:") for address in page.addresses) == 8 * 7 + 7 * 5 + 7 * 2 + 4 + 3  # pairs, twins, steps, frames, charts
    assert "Walking 1, 55011271: cannot be decoded" in text
    assert "Directions &lt;i&gt;" in text  # names are data, not markup


def test_pictures_for_dvc_plots(folders):
    run(folders)
    names = sorted(path.name for path in (folders / "samples").iterdir())
    assert names == ["best.png", "contact_sheet.jpg", "demonstrations.jpg", "samples.png", "steps.png", "twins.png", "worst.png"]


def test_appearances_of_the_variational_u_net_are_shown_with_what_they_were_trained_for(cases, figures, tmp_path):
    cases = replace(cases, appearances=appearances(2))
    figures |= {"generator": "vunet", "loss": "perceptual loss (image pyramid)", "latent": {"kl": 12.345, "swap": 0.0678}}
    text = render_report(cases, figures, {}, {}, [])
    part = section(text, "appearances")
    assert part.count("<img") == 2 * (1 + 1 + 5 + 1 + 2)
    for words in ("perceptual loss (image pyramid)", "12.3 nats", "by 0.068"):
        assert words in part
    assert [image.tolist() for image in appearance_rows(cases.appearances)[1][2:7]] == cases.appearances.between[1].tolist()
    write_pictures(tmp_path / "pictures", cases, {})
    assert (tmp_path / "pictures" / "appearances.png").is_file()


def test_two_runs_give_the_same_bytes(folders):
    outputs = []
    for _ in range(2):
        run(folders)
        outputs.append({path.name: path.read_bytes() for path in [folders / "report.html", *(folders / "samples").iterdir()]})
    assert outputs[0] == outputs[1]


def test_data_without_truth_and_twins(cases, figures, tmp_path):
    """A real recording: the sections say why they are empty."""
    nothing = Cases(
        pairs=cases.pairs,
        samples=cases.samples,
        best=shown(0),
        worst=shown(0),
        twins=shown_twins(0),
        demonstrations=demonstrations(0),
        steps=steps(0),
        appearances=appearances(0),
        labels=Labels(np.zeros((8, 3, 3), dtype=np.int64)),
    )
    none = np.zeros(0, dtype=int)
    orders = dict.fromkeys(IMAGES, order_accuracy(np.zeros((0, 2)), none, none > 0, none.astype(str)))
    figures["depth"] = depth(orders) | dict.fromkeys([*LABELS_KNOWN, *LIFTED, "response", "response_alone"])
    for image in IMAGES:
        figures[image] |= {"mask_l1": None, "overlap_l1": None}
    text = render_report(nothing, figures, {"G1": {}}, {"S9": {}}, [])
    assert Page(text).ids == SECTIONS
    for sentence in (
        "no twins that could be judged",
        "no judged twins in which",
        "no truth for labels",
        "logged no series",
        "No view of this subject",
        "Nothing was left out",
    ):
        assert sentence in text
    write_pictures(tmp_path / "samples", nothing, {})
    assert [path.name for path in (tmp_path / "samples").iterdir()] == ["samples.png"]


def test_inception_scores_name_their_file(cases, figures):
    for image in IMAGES:
        figures[image] |= {"inception_score": 2.5, "inception_score_std": 0.1, "fid": 30.0}
    figures["inception"] = {"file": "inception-2015-12-05.pt", "sha256": "ab" * 32, "truth_score": 3.4}
    text = render_report(cases, figures, {}, {}, [])
    assert "inception-2015-12-05.pt" in text
    assert "<code>fid</code>" in text


def test_the_best_of_each_row_is_marked(cases, figures):
    for image, sharpness in zip(IMAGES, (1.4, 0.3, 0.5, 0.9), strict=True):
        figures[image] |= {"sharpness": sharpness}
    text = render_report(cases, figures, {}, {}, [])
    row = text[text.index("<code>sharpness</code>") :]
    assert re.findall(r'class="number( best)?"', row[: row.index("</tr>")]) == ["", "", "", "", " best"]


def section(text, name):
    return text[text.index(f'<section id="{name}">') :].split("</section>")[0]


def test_every_table_has_all_four_images(cases, figures):
    text = render_report(cases, figures, {}, {}, [])
    for name, tables in (("scores", 1), ("depth", 1), ("breakdown", 3)):
        for heading in ("doing nothing", "painted by part", "coarse (G1)", "refined (G1 + G2)"):
            assert len(re.findall(rf"<t[hd][^>]*>{re.escape(heading)}</t[hd]>", section(text, name))) == tables, (name, heading)
    row = section(text, "breakdown").split("<td>Directions &lt;i&gt;</td>")[1].split("</tr>")[0]
    expected = [figures["by"]["action"]["Directions <i>"][image][score] for image in IMAGES for score in GROUPED]
    assert re.findall(r">([\d.]+)</td>", row) == ["6", *(f"{value:.3f}" for value in expected)]


def test_pairs_and_twins_are_shown_in_the_order_of_their_columns(cases):
    row = dict(zip(COLUMNS, pair_rows(cases.samples)[1], strict=True))
    for column, field in (("truth", "truth"), ("by part", "by_part"), ("coarse", "coarse"), ("refined", "refined")):
        np.testing.assert_array_equal(row[column], getattr(cases.samples, field)[1])
    for columns in (TWIN_COLUMNS, DEMONSTRATION_COLUMNS):
        images = twin_rows(cases.twins)[1]
        assert len(images) == len(columns)
        assert [i for i, name in enumerate(columns) if name == "painted"] == [2, 5]
        for position, field in ((2, "painted"), (3, "truth"), (5, "painted_twin"), (6, "twin")):
            np.testing.assert_array_equal(images[position], getattr(cases.twins, field)[1])


def test_the_order_of_each_image_stands_beside_its_interval(cases, figures):
    figures["depth"]["order_by_image"]["by_part"] = {"order_accuracy": 0.812, "order_low": 0.7, "order_high": 0.9}
    figures["depth"]["order_by_image"]["coarse"] = {"order_accuracy": 0.6, "order_low": None, "order_high": None}
    text = section(render_report(cases, figures, {}, {}, []), "depth")
    row = text.split("painted by part")[1].split("</tr>")[0]
    assert "0.812" in row
    assert "0.700 to 0.900" in row
    assert re.search(r'class="bar" style="width: 81\.2%".*class="span" style="left: 70\.0%; width: 20\.0%".*class="half"', row)
    row = text.split("coarse (G1)")[1].split("</tr>")[0]
    assert "– to –" in row
    assert 'class="span"' not in row
    assert "6 twins were judged; 25 % of all twins were left out" in text


def test_the_inferred_depths_are_told_where_there_are_any(cases, figures):
    text = " ".join(section(render_report(cases, figures, {}, {}, []), "depth").split())
    assert "off by <b>53 mm</b> on average per joint (by 130 mm if every joint were as deep as the hips)" in text
    assert "the right end for the nearer one in <b>90.1 %</b>" in text
    figures["depth"]["lift_sign"] = None
    assert "nearer one" not in section(render_report(cases, figures, {}, {}, []), "depth")
    figures["depth"] |= dict.fromkeys(LIFTED)
    assert "infers depth" not in section(render_report(cases, figures, {}, {}, []), "depth")


def test_demonstrations_say_what_they_show_and_whether_it_is_right(cases, figures):
    text = section(render_report(cases, figures, {}, {}, []), "demonstrations")
    assert re.findall(r"<b>(.*?)</b>", text) == list(KINDS)
    assert re.findall(r"right order|wrong order|undecided", text) == [
        "right order",
        "wrong order",
        "undecided",
        "right order",
        "wrong order",
        "wrong order",
    ]
    assert "not those that it got right" in text
    picture = draw_demonstrations(cases.demonstrations)
    frames = [(picture == colour).all(-1).any(0) for colour in (RIGHT, WRONG)]  # (W,): columns with a pixel of that colour
    first, second = np.flatnonzero(frames[0]).min(), np.flatnonzero(frames[0]).max()
    assert second - first > picture.shape[1] / 4  # two columns of painted images have a green frame
    assert frames[1][first]  # and one image in each a red one
    assert frames[1][second]


def test_demonstrations_of_a_run_show_the_front_first_and_what_the_labels_say(tmp_path):
    pack = crossing((1, -1, 1))
    figures, cases = evaluated(pack)
    shown = cases.demonstrations
    assert shown.kind.tolist() == [KINDS[2]] * 2  # two of three people, and no leg was mirrored
    assert (shown.label[:, 7].tolist(), shown.twin_label[:, 7].tolist()) == ([1, 1], [-1, -1])
    for i, caption in enumerate(shown.caption):
        person = int(caption.split("/")[-1]) // 2
        recorded, twin = pack.image[2 * person], pack.twins.image[person]
        front, behind = (recorded, twin) if pack.label[2 * person, 7] == 1 else (twin, recorded)
        np.testing.assert_array_equal(shown.truth[i], front)
        np.testing.assert_array_equal(shown.twin[i], behind)
    np.testing.assert_array_equal(shown.painted, shown.truth)
    np.testing.assert_array_equal(shown.painted_twin, shown.twin)
    assert shown.right.tolist() == [[1, 1], [1, 1]]
    write_cases(tmp_path / "cases.npz", cases)
    text = render_report(read_cases(tmp_path / "cases.npz"), figures, {}, {}, [])
    assert section(text, "demonstrations").count("right order") == 4


def test_the_steps_of_a_run_show_what_the_networks_see_of_a_twin_and_its_original():
    pack = crossing((1, -1, 1))
    torch.manual_seed(0)
    steps = evaluated(pack, lifter=Lifter(16, 1, RULE))[1].steps
    assert steps.source.shape == (2, 64, 32, 3)
    assert steps.caption[1] == f"{steps.caption[0]}, twin"
    row = int(steps.caption[0].split("/")[-1])
    np.testing.assert_array_equal(steps.truth, [pack.image[row], pack.twins.image[row // 2]])
    np.testing.assert_array_equal(steps.label, [pack.label[row], pack.twins.label[row // 2]])
    np.testing.assert_array_equal(steps.pose[0], steps.pose[1])
    nowhere = (steps.relief == 0).all(-1)
    assert 0.2 < nowhere.mean() < 0.95
    assert (steps.placed[nowhere] == 255).all()
    assert (steps.beneath[nowhere] == 255).all()
    known = (steps.placed != 255).any(-1)
    assert known.mean() > 0.05
    np.testing.assert_array_equal(steps.refined[known], steps.placed[known])  # this G1 paints what is placed
    assert not len(evaluated(pack)[1].steps.source)


def test_demonstrations_do_not_depend_on_what_the_model_painted():
    pack = crossing((1, -1, 1))
    seeing, blind = (evaluated(pack, depth)[1].demonstrations for depth in (True, False))
    assert seeing.caption.tolist() == blind.caption.tolist()
    np.testing.assert_array_equal(blind.painted, blind.painted_twin)
    assert blind.right.sum(1).tolist() == [1, 1]


def test_an_arm_that_does_not_cross_the_torso_demonstrates_nothing():
    pack = crossing((1, 1))
    beside = pack.pose_2d.copy()
    beside[:, 16] = (29, 33)
    aside = replace(pack, pose_2d=beside)
    assert len(evaluated(pack)[1].demonstrations.kind) == 2
    assert len(evaluated(aside)[1].demonstrations.kind) == 0


def test_frames_are_cut_around_the_person(folders):
    tiles = frame_tiles(folders / "frames", folders / "poses", ["S1", "S9"])
    assert list(tiles) == ["S1", "S9"]
    for views in tiles.values():
        assert list(views) == ["54138969", "55011271"]
        for tile in views.values():
            red = (np.abs(tile - np.array([255, 0, 0])).max(-1) < 30).mean()
            assert tile.shape[0] == 220
            assert 0.2 < red < 0.8  # the square of the person fills much of the tile, the skeleton covers some of it


def test_a_view_without_frames_is_not_shown(folders):
    store_path(folders / "frames" / "S1", "Directions 1", "54138969").unlink()
    assert list(frame_tiles(folders / "frames", folders / "poses", ["S1"])["S1"]) == ["55011271"]


def test_frames_and_poses_that_do_not_belong_together(folders):
    write_views(folders, "S1", frames=(1, 2, 3))
    with pytest.raises(UserError, match=r"54138969\.h5: the middle frame has no pose"):
        frame_tiles(folders / "frames", folders / "poses", ["S1"])
    write_views(folders, "S1", reach=5000.0)
    with pytest.raises(UserError, match="the skeleton lies outside the picture"):
        frame_tiles(folders / "frames", folders / "poses", ["S1"])
    (folders / "poses" / "S1.h5").write_bytes(b"nothing")
    with pytest.raises(UserError, match=r"S1\.h5: expected poses"):
        frame_tiles(folders / "frames", folders / "poses", ["S1"])


def test_curves_are_read_as_training_wrote_them(folders):
    curves = read_curves(folders / "g2")
    assert list(curves) == ["g2/adversarial"]
    np.testing.assert_array_equal(curves["g2/adversarial"], [[10, 0.5], [20, 0.25]])
    assert read_curves(folders / "poses") == {}


@pytest.mark.parametrize("text", ["a\tb\n1\t2\n", "step\tl1\n1\tmuch\n", "step\tl1\n1\n"])
def test_a_damaged_curve_is_one_line(folders, text):
    (folders / "g1/plots/metrics/l1.tsv").write_text(text, encoding="utf-8")
    result = run(folders)
    assert result.exit_code == 1
    assert re.search(r"l1\.tsv: expected a table with the columns step and l1", result.output)
    assert not (folders / "report.html").exists()


def test_left_out_is_read_for_the_subjects_of_the_run_alone(folders):
    assert read_left_out(folders / "manifest", folders / "frames", ["S1"]) == []
    lines = read_left_out(folders / "manifest", folders / "frames", ["S1", "S9"])
    assert lines == ["S9: Greeting: excluded", "S9: Walking 1, 55011271: cannot be decoded"]


def test_the_report_needs_no_torch():
    code = "import sys, stages.report; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize("points", ["1\tnan", "1\tinf", "1", "x\t1", "1\t" + "9" * 200_000, None])
def test_a_curve_of_anything_but_numbers_is_one_line(tmp_path, points):
    path = tmp_path / "plots" / "metrics" / "l1.tsv"
    path.parent.mkdir(parents=True)
    path.write_text("\0" if points is None else f"step\tl1\n{points}\n", encoding="utf-8")
    with pytest.raises(UserError, match=r"l1\.tsv: expected a table with the columns step and l1; run the training stage again"):
        read_curves(tmp_path)


def test_scores_that_are_not_what_evaluation_writes_are_refused_by_name(tmp_path, figures):
    path = tmp_path / "test.json"
    figures = json.loads(json.dumps(figures))
    write_json(path, figures)
    assert read_figures(path) == figures
    no_scores = {"ssim": 1.0}
    damages = [("pairs", "many"), ("source", None), ("latent", 1), ("by", {"action": 1}), ("depth", {}), ("refined", {"ssim": "x"})]
    for name, value in [*damages, ("coarse", no_scores)]:
        write_json(path, figures | {name: value})
        with pytest.raises(UserError, match=rf"test\.json: {name}"):
            read_figures(path)
    for content in ([], 1, {}):
        write_json(path, content)
        with pytest.raises(UserError, match=r"test\.json: "):
            read_figures(path)


@pytest.mark.parametrize("content", [[], {}, {"left_out": 1}, "left_out"])
def test_a_report_without_what_was_left_out_is_one_line(tmp_path, content):
    write_json(tmp_path / "report.json", content)
    with pytest.raises(UserError, match=r"report\.json: expected a list `left_out`, found other content"):
        left_out_lines(tmp_path / "report.json")


def test_damaged_poses_are_one_line(folders):
    wrong = {"pose_2d": np.full((3, 17, 2), np.nan, np.float32), "label": np.zeros((3, 7), np.int8), "frame": np.zeros(2, np.int32)}
    for name, values in wrong.items():
        write_views(folders, "S9")
        with h5py.File(folders / "poses" / "S9.h5", "r+") as file:
            del file[f"Directions 1/54138969/{name}"]
            file[f"Directions 1/54138969/{name}"] = values
        with pytest.raises(UserError, match=r"S9\.h5: expected poses, and in it `Directions 1/54138969/.*; run the stage `project` again"):
            frame_tiles(folders / "frames", folders / "poses", ["S9"])
