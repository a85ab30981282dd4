"""A small folder of photos as people have them: three that are good, one that is none, one too large, one without keypoints."""

import os
from pathlib import Path

import cv2
import numpy as np
import torch
from odd_pictures import png_head

from pipeline.config.pose import MapConfig
from pipeline.datasets.photos.annotations import write_annotations
from pipeline.networks.checkpoint import save_network
from pipeline.networks.unet import G1, G2
from pipeline.pose.bodies.conditioning import BodyConditioning
from pipeline.pose.conditioning import WARP_LAYERS
from pipeline.pose.skeleton import COCO_18

GOOD = ("ann_1front.png", "ann_2side.png", "bob_1front.png")
TEXT, HUGE, BARE = "cat_1text.png", "dan_1huge.png", "eve_1bare.png"
SIZE = (200, 160)
PLACES = {
    "nose": (80, 30),
    "neck": (80, 50),
    "right_shoulder": (62, 52),
    "right_elbow": (50, 80),
    "right_wrist": (46, 106),
    "left_shoulder": (98, 52),
    "left_elbow": (114, 78),
    "left_wrist": (84, 86),
    "right_hip": (70, 104),
    "right_knee": (68, 142),
    "right_ankle": (66, 180),
    "left_hip": (92, 104),
    "left_knee": (94, 142),
    "left_ankle": (96, 180),
    "right_eye": (76, 26),
    "left_eye": (84, 26),
    "right_ear": (71, 28),
    "left_ear": (89, 28),
}
POINTS = np.array([PLACES[name] for name in COCO_18.names], np.float32)


def write_folder(root: Path) -> Path:
    """Write it to the new folder `root`."""
    root.mkdir(parents=True)
    rng = np.random.default_rng(0)
    for name in (*GOOD, BARE):
        image = rng.integers(170, 230, (*SIZE, 3), np.uint8)
        cv2.polylines(image, [POINTS[[2, 5, 11, 8]].astype(int)], True, (90, 60, 40), 20)
        cv2.imwrite(str(root / name), image)
    (root / TEXT).write_text("this is no picture", encoding="utf-8")
    (root / HUGE).write_bytes(png_head(10_000, 10_000))
    write_annotations(root / "annotation.csv", dict.fromkeys((*GOOD, TEXT, HUGE), POINTS))
    return root


def write_weights(folder: Path, size: tuple[int, int] = (64, 32)) -> tuple[Path, Path]:
    """Weights of small networks that change their input at random."""
    torch.manual_seed(0)
    pose = MapConfig(depth=True, maps=("limbs",), appearance=True, lift=False, source=True, background="none", head=False, heatmap_radius=3)
    networks = {"g1": G1(BodyConditioning(pose, None).channels, WARP_LAYERS, size, 4, 3, "conv", "nearest", None), "g2": G2(size, 4, 1, "nearest")}
    folder.mkdir(parents=True, exist_ok=True)
    for name, network in networks.items():
        for parameter in network.parameters():
            torch.nn.init.normal_(parameter, std=0.1)
        save_network(folder / f"{name}.safetensors", network, pose)
    return folder / "g1.safetensors", folder / "g2.safetensors"


def note_what_is_opened(folder: Path) -> dict[str, str]:
    """The environment in which Python's `webbrowser` opens nothing, and writes the browser's command line to the file `opened` of the folder."""
    script = folder / "browser"
    script.write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" > {folder}/part && mv {folder}/part {folder}/opened\n', encoding="utf-8")
    script.chmod(0o755)
    return {**os.environ, "BROWSER": f"{script} %s", "HOME": str(folder)}
