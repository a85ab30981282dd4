"""Sets of photos as people download them, with pictures of noise: DeepFashion's In-shop benchmark, Market-1501, a COCO keypoint file."""

import json
from pathlib import Path

import numpy as np

from pipeline.pose.joint_sets import COCO_17
from pipeline.utils.images import encode

IN_SHOP = {
    "img/WOMEN/Dresses/id_00005537/05_4_full.jpg": "train",
    "img/WOMEN/Dresses/id_00005537/05_1_front.jpg": "train",
    "img/WOMEN/Tees_Tanks/id_00005955/06_2_side.jpg": "query",
    "img/WOMEN/Tees_Tanks/id_00005955/06_1_front.jpg": "gallery",
    "img/MEN/Jackets_Vests/id_00000080/01_7_additional.jpg": "gallery",
}
MARKET = {
    "bounding_box_train": ("0002_c1s1_000451_03.jpg", "0002_c1s1_000551_01.jpg", "0007_c3s3_077419_03.jpg"),
    "bounding_box_test": ("-1_c1s1_000401_03.jpg", "0000_c1s1_000151_01.jpg", "0001_c1s1_001051_00.jpg", "0001_c2s1_000301_00.jpg"),
    "query": ("0001_c1s1_001051_00.jpg",),
}


def picture(path: Path, size: tuple[int, int] = (32, 16), seed: int = 0) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(encode(np.random.default_rng(seed).integers(0, 256, (*size, 3), dtype=np.uint8), path.suffix))
    return path


def in_shop(root: Path) -> Path:
    for name in IN_SHOP:
        picture(root / name)
    rows = [f"{name:<60}{name.split('/')[3]} {part}" for name, part in IN_SHOP.items()]
    (root / "list_eval_partition.txt").write_text("\n".join([str(len(rows)), "image_name item_id evaluation_status", *rows]) + "\n", encoding="utf-8")
    return root


def market(root: Path) -> Path:
    for folder, names in MARKET.items():
        for name in names:
            picture(root / folder / name)
    return root


def coco(root: Path) -> Path:
    """anna_1.jpg shows one person, group.jpg two, far.jpg one of whom too little is seen."""
    sizes = {"anna_1.jpg": (60, 40), "group.jpg": (60, 80), "far.jpg": (60, 40)}
    images = [{"id": number, "file_name": name, "height": h, "width": w} for number, (name, (h, w)) in enumerate(sizes.items())]
    people = [(0, 20, 17), (1, 15, 17), (1, 60, 17), (2, 20, 3)]
    entries = []
    for number, (image, x, seen) in enumerate(people):
        keypoints = [value for joint in range(17) for value in ((x + joint % 3, 10 + 2 * joint, 2) if joint < seen else (0, 0, 0))]
        entries.append({"id": number, "image_id": image, "category_id": 1, "bbox": [x - 4, 8, 10, 40], "keypoints": keypoints, "iscrowd": 0})
    for number, (name, size) in enumerate(sizes.items()):
        picture(root / "pictures" / name, size, number)
    content = {"images": images, "annotations": entries, "categories": [{"id": 1, "name": "person", "keypoints": list(COCO_17)}]}
    (root / "people.json").write_text(json.dumps(content), encoding="utf-8")
    return root
