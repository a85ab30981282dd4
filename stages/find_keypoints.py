"""Find the keypoints of the people in a folder of photos."""

from pathlib import Path

import click

from pipeline.errors import UserError
from pipeline.estimation.photos import find_keypoints, load_finder
from pipeline.photos.annotations import write_annotations
from stages.command import existing, output, stage


@stage
@click.argument("folder", type=existing)
@click.argument("annotations", type=output)
@click.option(
    "--model",
    type=existing,
    default="recipes/pose/models/nets/mobilenet.safetensors",
    show_default=True,
    help="Pose estimator: trained here (.safetensors), or another's, such as RTMPose (.onnx).",
)
def main(folder: Path, annotations: Path, model: Path, params: Path) -> None:  # noqa: ARG001 (every stage takes it)
    """Write the keypoints of the photos in FOLDER to the file ANNOTATIONS, in the field's format (name:keypoints_y:keypoints_x).

    The networks of recipes/pose/ learn from few or invented people: on real photos a model that was trained on COCO, given as ONNX, finds more.
    """
    found = find_keypoints(folder, load_finder(model))
    for name, reason in found.left_out.items():
        click.echo(f"find_keypoints: {name} is left out, {reason}")
    if not found.points:
        raise UserError(f"{folder}: nobody was found in any picture; give a pose model that was trained on photos (--model rtmpose.onnx)")
    write_annotations(annotations, found.points)
    click.echo(f"find_keypoints: {len(found.points)} pictures in {annotations}, {len(found.left_out)} left out")
    if model.suffix != ".onnx":
        click.echo("find_keypoints: on real photos a pose model that was trained on COCO is often the better choice: --model rtmpose.onnx")


if __name__ == "__main__":
    main()
