"""Import videos of one camera, without 3D."""

from collections.abc import Sequence
from pathlib import Path

import click

from pipeline.config.pose import PoseConfig
from pipeline.config.section import load_config
from pipeline.datasets.photos.annotations import FILE_NAME, identity
from pipeline.datasets.photos.layout import find_pictures
from pipeline.datasets.videos.guesses import FILE_NAME as GUESSES
from pipeline.datasets.videos.importer import Choices, Finder, import_videos
from pipeline.page.guess import confident_guess
from pipeline.utils.errors import UserError
from pipeline.utils.exposure import exposure
from pipeline.utils.files import check_replaceable
from pose25d.weights import pretrained_file
from stages.command import existing, output, stage


@stage
@click.argument("videos", type=existing, nargs=-1, required=True, metavar="VIDEO...")
@click.argument("out", type=output)
@click.option("--keypoints", type=existing, multiple=True, help="OpenPose's folder of JSON files, or a COCO file; one for each VIDEO.")
@click.option("--model", type=existing, help="Pose estimator, as find-keypoints takes it, in place of --keypoints: one person per video.")
@click.option("--fps", type=click.FloatRange(0, 1000, min_open=True), default=5, show_default=True, help="Pictures of a person per second.")
@click.option("--start", type=click.FloatRange(0), default=0, help="Where to begin in each VIDEO, s.")
@click.option("--stop", type=click.FloatRange(0), help="Where to stop in each VIDEO, s.  [default: its end]")
@click.option("--lifter", type=existing, help="Weights of a lifter to guess labels with.  [default: those of models/pretrained]")
def main(
    videos: tuple[Path, ...],
    out: Path,
    keypoints: tuple[Path, ...],
    model: Path | None,
    fps: float,
    start: float,
    stop: float | None,
    lifter: Path | None,
    params: Path,
) -> None:
    """Bring each VIDEO of one camera into the new folder OUT, as recipes/deepfashion reads it: a picture per person and kept frame.

    Each person of a video is somebody of their own. Depth labels are guessed, for the page of `pose25d label` to begin with. Prints what was found
    and left out, and keeps it in OUT/import.txt.
    """
    check_replaceable(out, ())
    sources = _sources(videos, keypoints, model)
    guess = confident_guess(lifter or pretrained_file("lifter"), load_config(PoseConfig, params, "pose"))
    for line in import_videos(sources, out, Choices(fps, start, stop), guess):
        click.echo(line)
    for line in _next(out):
        click.echo(line)


def _sources(videos: Sequence[Path], keypoints: Sequence[Path], model: Path | None) -> dict[Path, Path | Finder]:
    """Each video with its keypoints, or with what finds them."""
    if len(set(videos)) < len(videos):
        raise UserError(f"{videos[0]}: expected each video once, found one twice; name it once")
    if model is not None and not keypoints:
        from pipeline.pose_estimation.photos import load_finder

        return dict.fromkeys(videos, load_finder(model))
    if model is not None or len(keypoints) != len(videos):
        found = "both" if model is not None else f"{len(keypoints)} of {len(videos)}"
        raise UserError(f"expected --keypoints of each video, or --model to find them with (rtmpose.onnx), found {found}")
    return dict(zip(videos, keypoints, strict=True))


def _next(out: Path) -> list[str]:
    """What whoever has imported does next."""
    warning, people = exposure(out), {identity(name) for name in find_pictures(out).paths}
    alone = f"{out}: only one person is there, and the pipeline needs somebody else to test on: import several videos together"
    return [
        *([warning] if warning else []),
        *([alone] if len(people) == 1 else []),
        f"next: pose25d label {out}",
        f"for recipes/deepfashion: data.root={out} 'data.annotations=[{FILE_NAME}]' data.train_list=null data.test_list=null data.test_pairs=null, "
        f"and data.labels={GUESSES} where nobody has labelled them",
    ]


if __name__ == "__main__":
    main()
