"""Open the page on which depth labels are made by hand, and poses are tried out."""

from pathlib import Path

import click

from pipeline.config.pose import PoseConfig
from pipeline.config.section import load_config
from pipeline.datasets.photos.hand_labels import FILE_NAME
from pipeline.page.folder import PhotoFolder
from pipeline.page.guess import Guess, guess_from_3d, guess_from_file, guess_from_lifter
from pipeline.utils.errors import UserError
from pipeline.utils.remade import check_kept
from pose25d.motions import Wanted, motion_options
from pose25d.serve import make_motions, make_studio, page_options, serve
from pose25d.weights import given, pretrained, pretrained_file
from stages.command import existing, stage


@stage
@click.argument("folder", type=existing)
@click.option("--labels", type=click.Path(path_type=Path), help="File of labels.  [default: depth.csv in FOLDER]")
@click.option("--poses-3d", type=existing, help="3D poses (.npz) to guess labels from.")
@click.option("--lifter", type=existing, help="Weights of a lifter to guess labels with.")
@click.option("--g1", type=existing, help="Weights of G1, for the studio.")
@click.option("--g2", type=existing, help="Weights of G2, for the studio.")
@click.option("--pretrained", "come_along", is_flag=True, help="Paint, and guess, with the weights of models/pretrained.")
@motion_options(required=False)
@page_options
def main(
    folder: Path,
    labels: Path | None,
    poses_3d: Path | None,
    lifter: Path | None,
    g1: Path | None,
    g2: Path | None,
    come_along: bool,
    motion: Path | None,
    sequence: str | None,
    camera: str | None,
    video: Path | None,
    start: float,
    stop: float | None,
    port: int,
    browser: bool,
    params: Path,
) -> None:
    """Label the photos in FOLDER, which holds their keypoints, too (*annotation*.csv): which limb is in front?

    Guesses that an import left in FOLDER are begun with, where no option names others; photos whose guess is doubtful come first.

    With the weights of a model (--g1 and --g2, and --params of its recipe; or --pretrained, which knows invented people alone) the page repaints the
    people, too, in one pose or in a motion (--motion; motion files can be loaded on the page). It is for this machine alone.
    """
    weights = given(g1, g2, params)
    if come_along:
        if weights is not None:
            raise UserError("expected --pretrained or --g1 and --g2, found both")
        weights, lifter = pretrained(), lifter or pretrained_file("lifter")
    if motion is None and not (sequence is camera is video is stop is None and start == 0):
        raise UserError("expected --motion, of which --sequence, --camera, --video, --start and --stop choose, found these alone")
    if motion is not None and weights is None:
        raise UserError("--motion: expected the weights of a model to paint it with; give --g1 and --g2, or --pretrained, too")
    check_kept(labels or folder / FILE_NAME)
    photos = PhotoFolder(folder, labels)
    studio = moving = None
    if weights is not None:
        studio = make_studio(photos, weights)
        moving = make_motions(studio, weights, None if motion is None else Wanted(motion, sequence, camera, video, start, stop))
    guess = _guess(folder, poses_3d, lifter, params)
    _say(f"{photos.done} of {len(photos.photos)} photos are labelled; answers go to {click.format_filename(photos.label_file)}")
    serve(photos, guess, studio, moving, port, browser, _say)


def _say(line: str) -> None:
    click.echo(f"label: {line}")


def _guess(folder: Path, poses_3d: Path | None, lifter: Path | None, params: Path) -> Guess | None:
    """What labels begin with: what the options name, else the guesses that an import left in the folder."""
    if poses_3d is not None:
        return guess_from_3d(poses_3d, load_config(PoseConfig, params, "pose"))
    return guess_from_file(folder) if lifter is None else guess_from_lifter(lifter, load_config(PoseConfig, params, "pose"))


if __name__ == "__main__":
    main()
