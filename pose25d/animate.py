"""Repaint the person in a picture in a motion."""

from pathlib import Path

import click

from pipeline.motion.animate import make_animation
from pipeline.motion.films import check_film, is_painted_film, write_film
from pipeline.motion.motion_file import write_motion
from pipeline.utils.errors import UserError
from pipeline.utils.pictures import read_picture
from pipeline.utils.progress import track
from pose25d.motions import Wanted, motion_options, read_wanted
from pose25d.sources import IMAGE_HELP, POSE_HELP, read_photos
from pose25d.weights import choose_weights
from stages.command import check_apart, existing, output, stage


@stage
@click.option("--image", "images", type=existing, required=True, multiple=True, help=IMAGE_HELP)
@click.option("--source-pose", "source_poses", type=existing, required=True, multiple=True, help=f"{POSE_HELP}.")
@motion_options(required=True)
@click.option("--g1", type=existing, help="Weights of G1.  [default: models/g1.safetensors, else that of models/pretrained]")
@click.option("--g2", type=existing, help="Weights of G2.  [default: models/g2.safetensors, else that of models/pretrained]")
@click.option("--plate", type=existing, help="The same picture without the person, for weights of pose.background: plate.")
@click.option("--steady/--frame-by-frame", default=True, help="Keep what is in doubt as it is, or decide each frame anew.  [default: steady]")
@click.option(
    "--keep-proportions/--as-the-motion",
    "keep",
    default=None,
    help="Whose proportions are painted: the person's, or the motion's.  [default: the person's, unless the picture's pose is a frame of the motion]",
)
@click.option(
    "--side-by-side", is_flag=True, help="Show source, skeleton (as the motion, as kept), painted frame and, where it is known, the true one."
)
@click.option("--save-motion", type=output, help="Write the motion as a motion file, too, for labels to be changed in it.")
@click.option("--out", type=click.Path(path_type=Path), required=True, help="Film: .mp4, .gif or .webp; one that was painted here is replaced.")
def main(
    images: tuple[Path, ...],
    source_poses: tuple[Path, ...],
    motion: Path,
    sequence: str | None,
    camera: str | None,
    video: Path | None,
    start: float,
    stop: float | None,
    g1: Path | None,
    g2: Path | None,
    plate: Path | None,
    steady: bool,
    keep: bool | None,
    side_by_side: bool,
    save_motion: Path | None,
    out: Path,
    params: Path,
) -> None:
    """Repaint the person in a picture in every pose of a motion, with a trained model.

    A motion file is JSON with `fps` and `frames`, each of the form of a pose file, as in examples/motion.json. Labels of a recording come from its 3D
    poses, those of a driving video from the weights' lifter: there a label that is in doubt keeps its side until another is clear. Labels of a motion
    file stay as they are.
    """
    weights = choose_weights(g1, g2, params)
    for written in filter(None, (out, save_motion)):
        check_apart(written, *images, *source_poses, motion, video, plate, weights.g1, weights.g2)
    if out.is_file() and not click.get_current_context().params["force"] and not is_painted_film(out):
        raise UserError(f"{out}: is there already, and is no film that was painted here; give another name, or --force to replace it")
    generator = weights.load()
    moving = read_wanted(Wanted(motion, sequence, camera, video, start, stop, steady), generator, weights)
    check_film(out, len(moving), moving.fps)
    if moving.film is not None:
        check_apart(out, moving.film.path)
    empty = None if plate is None else read_picture(plate)
    (image, source), *further = read_photos(images, source_poses)
    animation = make_animation(generator, image, source, moving, weights.margin, empty, steady, further=further, keep=keep)
    if save_motion is not None:
        write_motion(save_motion, moving)
    frames = animation.frames_beside() if side_by_side else animation.frames()
    write_film(out, track(frames, "animate", len(moving)), moving.fps)
    whose = "the motion's" if animation.plain is None else "the person's own"
    click.echo(f"animate: {len(moving)} frames at {float(moving.fps):.4g} per second, painted with the weights {weights.name}; proportions: {whose}")


if __name__ == "__main__":
    main()
