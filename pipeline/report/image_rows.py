"""The images of each example, in the order of the columns that the report and its pictures show them in."""

import numpy as np

from pipeline.evaluation.examples.cases import Appearances, Examples, Steps, TwinExamples
from pipeline.pose.drawing import draw_pose
from pipeline.utils.images import difference_map

COLUMNS = ("source", "source pose", "target pose", "truth", "by part", "coarse", "difference", "refined")  # `by part` of bodies alone
TWIN_COLUMNS = ("source", "pose", "painted", "truth", "twin's pose", "painted", "twin's truth")
DEMONSTRATION_COLUMNS = ("source", "limb in front", "painted", "truth", "limb behind", "painted", "truth")
STEP_COLUMNS = ("source", "pose", "front depth layer", "warped, front", "warped, second", "painted", "truth")
BETWEEN_COLUMNS = ("own look", "", "half and half", "", "the other's")


def pair_columns(shown: Examples) -> tuple[str, ...]:
    """Titles of the columns of `pair_rows`."""
    return tuple(name for name in COLUMNS if name != "by part" or len(shown.by_part))


def pair_rows(shown: Examples) -> list[list[np.ndarray]]:
    """The images of each pair in the order of `pair_columns`."""
    size = shown.source.shape[1:3]
    return [
        [
            shown.source[i],
            draw_pose(shown.source_pose[i], shown.source_label[i], size),
            draw_pose(shown.target_pose[i], shown.target_label[i], size),
            shown.truth[i],
            *shown.by_part[i : i + 1],
            shown.coarse[i],
            difference_map(shown.refined[i], shown.coarse[i]),
            shown.refined[i],
        ]
        for i in range(len(shown.source))
    ]


def twin_rows(twins: TwinExamples) -> list[list[np.ndarray]]:
    """The images of each twin in the order of `TWIN_COLUMNS` (of `DEMONSTRATION_COLUMNS`)."""
    size = twins.source.shape[1:3]
    return [
        [
            twins.source[i],
            draw_pose(twins.pose[i], twins.label[i], size),
            twins.painted[i],
            twins.truth[i],
            draw_pose(twins.pose[i], twins.twin_label[i], size),
            twins.painted_twin[i],
            twins.twin[i],
        ]
        for i in range(len(twins.source))
    ]


def step_rows(steps: Steps) -> list[list[np.ndarray]]:
    """The images of each row in the order of `STEP_COLUMNS`."""
    size = steps.source.shape[1:3]
    return [
        [
            steps.source[i],
            draw_pose(steps.pose[i], steps.label[i], size),
            steps.depth_layer[i],
            steps.warped_front[i],
            steps.warped_second[i],
            steps.refined[i],
            steps.truth[i],
        ]
        for i in range(len(steps.source))
    ]


def appearance_columns(appearances: Appearances) -> tuple[str, ...]:
    """Titles of the columns of `appearance_rows`."""
    return ("source", "pose", *BETWEEN_COLUMNS, "another person", *["drawn"] * appearances.sampled.shape[1])


def appearance_rows(appearances: Appearances) -> list[list[np.ndarray]]:
    """The images of each row in the order of `appearance_columns`."""
    size = appearances.source.shape[1:3]
    return [
        [
            appearances.source[i],
            draw_pose(appearances.pose[i], appearances.label[i], size),
            *appearances.between[i],
            appearances.other[i],
            *appearances.sampled[i],
        ]
        for i in range(len(appearances.source))
    ]
