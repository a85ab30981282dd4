"""The page: every section, nothing from outside, the same bytes each time."""

import re
import subprocess
import sys
from dataclasses import replace

import numpy as np
from made_cases import LABELS_KNOWN, LIFTED, Page, appearances, captions, demonstrations, depth, run, section, shown, shown_twins, steps

from pipeline.evaluation.examples.cases import (
    Cases,
    Labels,
    Orders,
)
from pipeline.evaluation.examples.demonstrations import KINDS
from pipeline.evaluation.scores.declared import GROUPED_SCORES
from pipeline.evaluation.scores.depth import order_accuracy
from pipeline.inference.images import IMAGES
from pipeline.pose.skeleton import LIMBS
from pipeline.report.html import render_report
from pipeline.report.image_rows import appearance_rows
from pipeline.report.pictures import RIGHT, WRONG, draw_demonstrations, write_pictures

GROUPED = [score.name for score in GROUPED_SCORES]
SECTIONS = ["scores", "depth", "demonstrations", "samples", "best", "worst", "twins", "breakdown", "labels", "curves", "frames", "left-out"]


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
        orders=Orders(captions(0), captions(0), np.zeros(0, np.int8), np.zeros((len(IMAGES), 0, 2))),
        labels=Labels(np.zeros((len(LIMBS), 3, 3), dtype=np.int64)),
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
        figures[image] |= {"inception_score": 2.5, "inception_score_std": 0.1, "clean_fid": 30.0}
    said = {"file": "inception-2015-12-05.pt", "sha256": "ab" * 32, "truth_score": 3.4, "variant": "clean-FID, stretched", "test_images": 12}
    figures["inception"] = said
    text = render_report(cases, figures, {}, {}, [])
    assert "inception-2015-12-05.pt" in text
    assert "clean-FID, stretched." in text
    assert "<code>clean_fid</code>" in text
    assert "that were trained on" not in text
    figures["inception"] = said | {"training_images": 4800, "truth_clean_fid_train": 41.5, "truth_clean_kid_train": 0.02}
    assert "or 4800 images that were trained on" in render_report(cases, figures, {}, {}, [])


def test_the_pose_of_painted_people_stands_beside_that_of_true_images(cases, figures):
    for image in IMAGES:
        figures[image] |= {"pck": 0.9, "pck_left": 0.8, "pck_right": 0.95}
    truth = {"truth_pck": 0.961, "truth_pck_left": 0.952, "truth_pck_right": 0.973}
    figures["pose_net"] = {"file": "pose_net.safetensors", "sha256": "ab" * 32, **truth}
    text = render_report(cases, figures, {}, {}, [])
    assert "<code>pck_left</code>" in text
    for value in truth.values():
        assert f"{value:.3f}" in text


def test_the_best_of_each_row_is_marked(cases, figures):
    for image, sharpness in zip(IMAGES, (1.4, 0.3, 0.5, 0.9, 1.0), strict=True):
        figures[image] |= {"sharpness": sharpness}
    text = render_report(cases, figures, {}, {}, [])
    row = text[text.index("<code>sharpness</code>") :]
    assert re.findall(r'class="number( best)?"', row[: row.index("</tr>")]) == ["", "", "", "", " best", ""]


def test_every_table_has_all_images(cases, figures):
    text = render_report(cases, figures, {}, {}, [])
    for name, tables in (("scores", 1), ("depth", 1), ("breakdown", 3)):
        for heading in ("doing nothing", "painted by part", "coarse (G1)", "refined (G1 + G2)", "ceiling"):
            assert len(re.findall(rf"<t[hd][^>]*>{re.escape(heading)}</t[hd]>", section(text, name))) == tables, (name, heading)
    row = section(text, "breakdown").split("<td>Directions &lt;i&gt;</td>")[1].split("</tr>")[0]
    expected = [figures["by"]["action"]["Directions <i>"][image][score] for image in IMAGES for score in GROUPED]
    assert re.findall(r">([\d.]+)</td>", row) == ["6", *(f"{value:.3f}" for value in expected)]


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


def test_the_report_needs_no_torch():
    code = "import sys, stages.report; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_several_sources_have_a_table_where_they_were_scored(cases, figures):
    assert "From several sources" not in render_report(cases, figures, {}, {}, [])
    order = {"order_accuracy": 1.4321, "order_low": 0.41, "order_high": 0.45}  # no score drawn at random is above 1
    block = {image: figures[image] | order for image in ("by_part", "coarse", "refined", "ceiling")}
    text = render_report(cases, figures | {"sources": {"2": block, "4": block}}, {}, {}, [])
    table = text[text.index("From several sources") :].partition("</table>")[0]
    assert table.count("<tr>") == 1 + 4 * 3
    assert table.count("1.432") == 4 * 2
