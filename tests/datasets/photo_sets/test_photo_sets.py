"""Photos as people hold them become a folder that the graph of photos reads, and what is wrong with them is one line."""

import re
import unicodedata
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from invented_photo_sets import IN_SHOP, coco, in_shop, market

from pipeline.datasets.photo_sets.importer import REPORT
from pipeline.datasets.photo_sets.in_shop import field_name
from pipeline.datasets.photos.annotations import identity, read_annotations, read_list
from pipeline.datasets.photos.layout import find_pictures
from pipeline.page.folder import PhotoFolder
from pipeline.utils.pictures import read_picture
from pose25d.import_photos import main


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def test_in_shop_has_the_names_and_the_split_of_the_field(tmp_path: Path) -> None:
    root, out = in_shop(tmp_path / "raw"), tmp_path / "out"
    result = run(root, out)
    assert result.exit_code == 0, result.output
    assert read_list(out / "train.lst") == ["fashionWOMENDressesid0000553705_4full.jpg", "fashionWOMENDressesid0000553705_1front.jpg"]
    assert len(read_list(out / "test.lst")) == 3
    pictures = find_pictures(out).paths
    assert sorted(path.parent.name for path in pictures.values()) == ["test"] * 3 + ["train"] * 2
    assert pictures["fashionMENJackets_Vestsid0000008001_7additional.jpg"].read_bytes() == (root / list(IN_SHOP)[4]).read_bytes()
    assert "3 pictures of 2 people for test" in result.output
    assert (out / REPORT).read_text(encoding="utf-8") in result.output.partition("\n")[2]


def test_pictures_take_the_spelling_of_the_files_about_them(tmp_path: Path) -> None:
    """Older lists write `fasion`; a name that is in no file keeps the usual spelling, and one without a picture is counted and shown."""
    root, lists = in_shop(tmp_path / "raw"), tmp_path / "fasion-train.lst"
    lists.write_text("fasionWOMENDressesid0000553705_4full.jpg\nfasionWOMENPantsid0000000101_1front.jpg\n", encoding="utf-8")
    result = run(root, tmp_path / "out", "--file", lists)
    assert result.exit_code == 0, result.output
    assert "fasion-train.lst: 1 of its 2 names are pictures here, such as fasionWOMENPantsid0000000101_1front.jpg" in result.output
    names = find_pictures(tmp_path / "out").paths
    assert {"fasionWOMENDressesid0000553705_4full.jpg", "fashionWOMENDressesid0000553705_1front.jpg"} < set(names)
    assert (tmp_path / "out" / lists.name).read_bytes() == lists.read_bytes()


def test_names_in_another_unicode_form_are_the_same_names(tmp_path: Path) -> None:
    root, name = coco(tmp_path / "raw"), "zoë_1.jpg"
    decomposed = unicodedata.normalize("NFD", name)
    (root / "pictures" / "anna_1.jpg").rename(root / "pictures" / decomposed)
    content = (root / "people.json").read_text(encoding="utf-8").replace("anna_1.jpg", decomposed)
    (root / "people.json").write_text(content, encoding="utf-8")
    (tmp_path / "names.lst").write_text(f"{name}\n", encoding="utf-8")
    result = run(root / "people.json", tmp_path / "out", "--pictures", root / "pictures", "--file", tmp_path / "names.lst")
    assert result.exit_code == 0, result.output
    assert "names.lst: 1 of its 1 names are pictures here" in result.output
    assert name in find_pictures(tmp_path / "out").paths


def test_nobody_and_bystanders_of_market_are_left_out_and_counted(tmp_path: Path) -> None:
    result = run(market(tmp_path / "raw"), tmp_path / "out", "--copy")
    assert result.exit_code == 0, result.output
    assert "1 left out, nobody (names that begin with -1), such as -1_c1s1_000401_03.jpg" in result.output
    assert "1 left out, bystanders" in result.output
    assert read_list(tmp_path / "out" / "test.lst") == ["0001_c1s1_001051_00.jpg", "0001_c2s1_000301_00.jpg"]
    assert not any(path.is_symlink() for path in (tmp_path / "out").rglob("*"))


def test_of_a_coco_file_each_picture_shows_one_person_with_the_keypoints_where_they_are(tmp_path: Path) -> None:
    root, out = coco(tmp_path / "raw"), tmp_path / "out"
    result = run(root / "people.json", out, "--pictures", root / "pictures")
    assert result.exit_code == 0, result.output
    assert "1 left out, few labelled keypoints, such as annotation 3" in result.output
    points, pictures = read_annotations(out / "annotation.csv").points, find_pictures(out).paths
    assert sorted(points) == sorted(pictures) == ["anna_1.jpg", "group-p1.png", "group-p2.png"]
    whole = read_picture(root / "pictures" / "group.jpg")
    for name, nose_x in (("group-p1.png", 15), ("group-p2.png", 60)):
        x, y = points[name][0].astype(int)
        assert (read_picture(pictures[name])[y, x] == whole[10, nose_x]).all()
    assert len({identity(name) for name in points}) == 3
    assert len(PhotoFolder(out, None).photos) == 3  # what `pose25d label` shows


def test_a_category_with_an_underscore_does_not_make_one_person_of_many() -> None:
    names = [field_name(name) for name in IN_SHOP]
    assert [identity(name) for name in names][2:] == ["fashionWOMENTees_Tanksid0000595506"] * 2 + ["fashionMENJackets_Vestsid0000008001"]
    assert identity("WOMENDressesid0000553705_1front.jpg") == "WOMENDressesid0000553705"
    assert identity("0002_c1s1_000451_03.jpg") == "0002"


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda root: (root / "list_eval_partition.txt").write_text("1\nheader\nimg/a.jpg id_1 train\n"), "line 3: expected a name as img/WOMEN"),
        (lambda root: (root / "list_eval_partition.txt").write_text("1\nheader\nimg/a.jpg train\n"), "line 3: expected a picture, an item and train"),
        (lambda root: (root / "img").rename(root / "images"), "expected the pictures of list_eval_partition.txt in img/"),
        (lambda root: (root / "list_eval_partition.txt").unlink(), "expected DeepFashion's In-shop benchmark .* found neither"),
        (lambda root: [(root / name).unlink() for name in IN_SHOP], "found none; 5 that are listed are not there, such as fashion"),
    ],
)
def test_what_is_no_set_of_photos_is_one_line(tmp_path: Path, damage: object, words: str) -> None:
    root = in_shop(tmp_path / "raw")
    damage(root)  # type: ignore[operator]
    result = run(root, tmp_path / "out")
    assert result.exit_code == 1
    assert result.output.count("\n") == 1
    assert re.search(words, result.output), result.output
    assert not (tmp_path / "out").exists()


def test_a_file_that_would_take_the_place_of_another_is_refused(tmp_path: Path) -> None:
    (tmp_path / "train.lst").write_text("a.jpg\n", encoding="utf-8")
    result = run(in_shop(tmp_path / "raw"), tmp_path / "out", "--file", tmp_path / "train.lst")
    assert result.exit_code == 1
    assert "train.lst: a file of this name is written as well" in result.output
    assert not (tmp_path / "out").exists()


def test_a_folder_that_is_there_is_not_replaced(tmp_path: Path) -> None:
    root, out = in_shop(tmp_path / "raw"), tmp_path / "out"
    out.mkdir()
    (out / "mine.txt").touch()
    result = run(root, out)
    assert result.exit_code == 1
    assert (out / "mine.txt").exists()
