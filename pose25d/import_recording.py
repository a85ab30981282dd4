"""Import calibrated multi-view recordings with 3D poses."""

from collections.abc import Sequence
from pathlib import Path

import click

from pipeline.config.parallel import ParallelConfig
from pipeline.config.section import load_config
from pipeline.datasets.recordings.formats import FORMATS, find_session, format_of
from pipeline.datasets.recordings.importer import SHEETS, import_recording
from pipeline.datasets.recordings.recording import Format, Session, Trial
from pipeline.datasets.recordings.room import AXES
from pipeline.datasets.recordings.takes import Choices
from pipeline.pose.skeleton import H36M_17
from pipeline.utils.errors import UserError
from pipeline.utils.exposure import exposure
from pipeline.utils.files import check_replaceable
from stages.command import output, stage

_file = click.Path(path_type=Path)


@stage
@click.argument("session", type=_file)
@click.argument("out", type=output)
@click.option("--format", "name", type=click.Choice([form.name for form in FORMATS]), help="How SESSION is laid out.  [default: found]")
@click.option("--calibration", type=_file, help="The calibration (TOML), where it lies elsewhere.")
@click.option("--poses", type=_file, multiple=True, help="A file of 3D poses, one per person, in place of those of the layout; needs --videos.")
@click.option("--videos", type=_file, help="The folder of the videos that belong to --poses.")
@click.option("--cameras", help="Names of the cameras to use, with commas between them.  [default: all]")
@click.option("--trials", help="Names of the trials to use, with commas between them.  [default: all]")
@click.option("--subject", "subjects", multiple=True, metavar="TRIAL=S1", help="Whose a trial, a participant or TRIAL/PERSON is (S1 to S11).")
@click.option("--marker", "markers", multiple=True, metavar="JOINT=NAME", help="The marker of a joint that the file calls otherwise.")
@click.option("--offset", "offsets", multiple=True, metavar="CAMERA=FRAMES", help="How many frames late a camera's video is.")
@click.option("--axes", type=click.Choice(list(AXES)), help="How the poses' axes lie in the room of the cameras.  [default: found]")
@click.option("--max-gap", type=click.IntRange(0, 1000), default=10, show_default=True, help="Frames without a marker that are interpolated.")
@click.option("--copy", is_flag=True, help="Copy the videos, in place of links to them.")
def main(
    session: Path,
    out: Path,
    name: str | None,
    calibration: Path | None,
    poses: tuple[Path, ...],
    videos: Path | None,
    cameras: str | None,
    trials: str | None,
    subjects: tuple[str, ...],
    markers: tuple[str, ...],
    offsets: tuple[str, ...],
    axes: str | None,
    max_gap: int,
    copy: bool,
    params: Path,
) -> None:
    """Bring the recording SESSION (Pose2Sim, Caliscope, FreeMoCap, C3D) into Human3.6M's layout, as the new folder OUT.

    Prints what was found, derived, interpolated and left out, and keeps it in OUT/import.txt; a contact sheet per view lies beside it. Then
    `pose25d check OUT` says whether the pipeline can run on it.
    """
    check_replaceable(out, ())
    form, found = _session(session, name, calibration, poses, videos)
    shifts = {camera: _whole(camera, frames) for camera, frames in _pairs("--offset", "CAMERA=FRAMES", offsets).items()}
    renamed = _pairs("--marker", "JOINT=NAME", markers)
    for joint in renamed:
        if joint not in H36M_17.names:
            raise UserError(f"--marker {joint}={renamed[joint]}: expected one of {', '.join(H36M_17.names)}")
    choices = Choices(_names(cameras), _names(trials), _pairs("--subject", "TRIAL=S1", subjects), renamed, shifts, max_gap, copy, axes)
    for line in import_recording(found, form, out, choices, load_config(ParallelConfig, params, "parallel")):
        click.echo(line)
    for line in _next(out):
        click.echo(line)


def _session(folder: Path, name: str | None, calibration: Path | None, poses: Sequence[Path], videos: Path | None) -> tuple[Format, Session]:
    """What the layout of a folder says, and in its place what the options name."""
    if bool(poses) != bool(videos):
        raise UserError("expected --poses and --videos together, found one of them: poses belong to videos")
    given = (calibration,) if calibration else None
    if not poses or videos is None:
        form, found = find_session(folder, name)
        return form, Session(given or found.calibrations, found.trials)
    form = next((form for form in FORMATS if form.name == name), None) or format_of(poses[0])
    people = {f"P{number}" if len(poses) > 1 else "": (path,) for number, path in enumerate(poses, start=1)}
    return form, Session(given or find_session(folder, name)[1].calibrations, (Trial(folder.resolve().name, people, videos),))


def _names(text: str | None) -> tuple[str, ...]:
    return tuple(filter(None, (name.strip() for name in (text or "").split(","))))


def _pairs(option: str, form: str, texts: Sequence[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for text in texts:
        key, sign, value = (part.strip() for part in text.partition("="))
        if not (key and sign and value) or key in found:
            raise UserError(f"{option} {text}: expected {form}, each {form.partition('=')[0]} once")
        found[key] = value
    return found


def _whole(camera: str, text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise UserError(f"--offset {camera}={text}: expected a whole number of frames") from None


def _next(out: Path) -> list[str]:
    """What whoever has imported does next."""
    subjects = sorted(path.name for path in out.glob("S*") if path.is_dir())
    warning = exposure(out)
    alone = f"{out}: only {subjects[0]} is there, and the pipeline needs somebody else to test on: --subject TRIAL=S2 sets a trial apart"
    return [
        *([warning] if warning else []),
        *([alone] if len(subjects) == 1 else []),
        f"{out}: {', '.join(subjects)} written; look at {SHEETS}/, then: pose25d check {out}",
    ]


if __name__ == "__main__":
    main()
