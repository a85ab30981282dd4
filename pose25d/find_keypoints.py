"""Find the keypoints of the people in a folder of photos."""

from pathlib import Path

import click

from pipeline.datasets.photos.annotations import add_annotations, check_annotations, known_names, read_annotations, write_annotations
from pipeline.pose_estimation.photos import find_keypoints, load_finder
from pipeline.utils.errors import UserError
from pipeline.utils.files import check_file_place
from pipeline.utils.remade import check_kept
from stages.command import Output, existing, stage


@stage
@click.argument("folder", type=existing)
@click.argument("annotations", type=Output(unless="add"))
@click.option(
    "--model",
    type=existing,
    default="recipes/pose/models/nets/mobilenet.safetensors",
    show_default=True,
    help="Pose estimator: trained here (.safetensors), or another's, such as RTMPose (.onnx).",
)
@click.option("--add", is_flag=True, help="Keep every line of ANNOTATIONS, and look only at the pictures that it lacks.")
def main(folder: Path, annotations: Path, model: Path, add: bool, params: Path) -> None:  # noqa: ARG001 (every stage takes it)
    """Write the keypoints of the photos in FOLDER to the file ANNOTATIONS, in the field's format (name:keypoints_y:keypoints_x).

    A file that is there may have been corrected by hand: it stays as it is, unless --add or --force says otherwise.
    The networks of recipes/pose/ learn from few or invented people: on real photos a model that was trained on COCO, given as ONNX, finds more.
    """
    check_file_place(annotations)
    check_kept(annotations)
    check_annotations(annotations)
    replace = annotations.exists() and not add
    known = known_names(read_annotations(annotations)) if add and annotations.exists() else set()
    found = find_keypoints(folder, load_finder(model), known)
    for name, reason in found.left_out.items():
        click.echo(f"find-keypoints: {name} is left out, {reason}")
    if not found.points and not known:
        raise UserError(f"{folder}: nobody was found in any picture; give a pose model that was trained on photos (--model rtmpose.onnx)")
    if replace:
        write_annotations(annotations, found.points)
    else:  # somebody may have made the file meanwhile
        add_annotations(annotations, found.points)
    kept = f", {len(known)} kept as they were" if add else ""
    place = click.format_filename(annotations)
    click.echo(f"find-keypoints: {len(found.points)} pictures in {place}{kept}, {len(found.left_out)} left out")
    if model.suffix != ".onnx":
        click.echo("find-keypoints: on real photos a pose model that was trained on COCO is often the better choice: --model rtmpose.onnx")


if __name__ == "__main__":
    main()
