"""Repaint the person in a picture in a new pose."""

from pathlib import Path

import click

from pipeline.inference.painted import check_name, is_painted, write_picture
from pipeline.inference.transfer import transfer
from pipeline.motion.proportions import fit_pose
from pipeline.pose.pose_file import read_pose
from pipeline.utils.errors import UserError
from pipeline.utils.pictures import read_picture
from pose25d.sources import IMAGE_HELP, POSE_HELP, read_photos
from pose25d.weights import choose_weights
from stages.command import check_apart, existing, stage


@stage
@click.option("--image", "images", type=existing, required=True, multiple=True, help=IMAGE_HELP)
@click.option("--source-pose", "source_poses", type=existing, multiple=True, help=f"{POSE_HELP}; not needed where the person is cut out already.")
@click.option("--pose", type=existing, required=True, help="Pose file: the pose to paint, in px of any picture.")
@click.option("--g1", type=existing, help="Weights of G1.  [default: models/g1.safetensors, else that of models/pretrained]")
@click.option("--g2", type=existing, help="Weights of G2.  [default: models/g2.safetensors, else that of models/pretrained]")
@click.option("--plate", type=existing, help="The same picture without the person, for weights of pose.background: plate.")
@click.option("--keep-proportions", is_flag=True, help="Give the pose to paint the proportions of the person in the picture.")
@click.option("--out", type=click.Path(path_type=Path), required=True, help="PNG file to write; one that this command wrote is replaced.")
def main(
    images: tuple[Path, ...],
    source_poses: tuple[Path, ...],
    pose: Path,
    g1: Path | None,
    g2: Path | None,
    plate: Path | None,
    keep_proportions: bool,
    out: Path,
    params: Path,
) -> None:
    """Repaint the person in a picture in a new pose, with a trained model.

    A pose file is JSON with `joints` (x and y of each, null where it is not known) and `labels` (1 in front, 0 in the torso's plane,
    -1 occluded), as in examples/pose.json.
    """
    check_name(out)
    weights = choose_weights(g1, g2, params)
    check_apart(out, *images, *source_poses, pose, plate, weights.g1, weights.g2)
    if out.is_file() and not click.get_current_context().params["force"] and not is_painted(out):
        raise UserError(f"{out}: is there already, and is no picture that was painted here; give another name, or --force to replace it")
    empty = None if plate is None else read_picture(plate)
    photos = read_photos(images, source_poses) if source_poses or len(images) > 1 else []
    image, source = photos[0] if photos else (read_picture(images[0]), None)
    generator, target = weights.load(), read_pose(pose)
    if keep_proportions:
        target = fit_pose(target, [one for _, one in photos], generator.conditioning.lifter)
    write_picture(out, transfer(generator, image, source, target, weights.margin, empty, photos[1:]))
    if g1 is None:
        click.echo(f"transfer: painted with the weights {weights.name}")


if __name__ == "__main__":
    main()
