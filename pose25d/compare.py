"""Compare two runs on the same pairs."""

import tempfile
from pathlib import Path

import click

from pipeline.comparison.compare import Difference, compare
from pipeline.evaluation.examples.cases import Cases, read_cases
from pipeline.evaluation.scores.declared import ALL_SCORES
from pipeline.inference.images import IMAGES
from pipeline.utils.errors import UserError
from stages.command import stage

CASES = "data/cases.npz"
WIDTH = 1 + max(len(score.heading) for score in ALL_SCORES)  # of the column of scores


@stage
@click.argument("first")
@click.argument("second")
@click.option("--image", type=click.Choice(IMAGES), default="refined", show_default=True, help="Which image.")
@click.option("--seeds", nargs=2, metavar="C D", help="Two runs that differ by the seed of the training alone: how far seeds are apart.")
@click.option("--cases", default=CASES, show_default=True, help="Where a revision has its cases, as recipes/full/data/cases.npz.")
def main(first: str, second: str, image: str, seeds: tuple[str, str] | None, cases: str, params: Path) -> None:  # noqa: ARG001
    """Say how far the scores of SECOND are from those of FIRST, with 95 % intervals over people.

    FIRST and SECOND are files of cases, which `evaluate` writes, or branches, tags, commits or experiments, whose files DVC's cache has. What is
    marked * is more than other people could have turned round, what is marked ** also more than a second seed makes.
    """
    one, other = _read(first, cases), _read(second, cases)
    noise: dict[str, float] = {}
    if seeds:
        noise = {apart.score: abs(apart.difference) for apart in compare(_read(seeds[0], cases), _read(seeds[1], cases), image)}
    click.echo(f"{image} image, {len(one.pairs.source)} pairs of {len(set(one.pairs.identity.tolist()))} people")
    click.echo(f"{'':<{WIDTH}}{'first':>9}{'second':>9}{'difference':>12}   95 % interval")
    for difference in compare(one, other, image):
        click.echo(_line(difference, noise))


def _line(one: Difference, noise: dict[str, float]) -> str:
    mark = "*" * (one.clear + (one.clear and one.score in noise and abs(one.difference) > noise[one.score]))
    seeds = f", another seed {noise[one.score]:.4f}" if one.score in noise else ""
    title = {score.name: score.heading for score in ALL_SCORES}.get(one.score, "order accuracy")
    return f"{title:<{WIDTH}}{one.first:>9.4f}{one.second:>9.4f}{one.difference:>+12.4f}   {one.low:+.4f} to {one.high:+.4f}{seeds} {mark}".rstrip()


def _read(name: str, cases: str) -> Cases:
    """The cases in a file, or those of a revision."""
    return read_cases(Path(name)) if Path(name).is_file() else read_revision(name, cases)


def read_revision(name: str, cases: str, root: Path = Path()) -> Cases:
    """The cases of a revision of the repository `root`, from DVC's cache; raise UserError where they are not there."""
    import dvc.api
    from dvc.exceptions import DvcException

    try:
        with tempfile.TemporaryDirectory() as folder:
            out = Path(folder) / "cases.npz"
            with dvc.api.open(cases, str(root), rev=name, mode="rb") as file:
                out.write_bytes(file.read())
            return read_cases(out)
    except (DvcException, OSError, ValueError) as error:
        why = " ".join(str(error).split())
        raise UserError(f"{name}: expected a file of cases, or a revision whose {cases} DVC has, found none ({why}); run its `evaluate`") from None


if __name__ == "__main__":
    main()
