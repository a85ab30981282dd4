"""Score what any code painted of the test set."""

from pathlib import Path

import click

from pipeline.comparison.benchmark import Benchmark, score
from pipeline.config.kinds import load_data
from pipeline.evaluation.scores.declared import USUAL_SCORES
from pipeline.packs.pack import read_packs
from pipeline.packs.pairs import read_pairs
from pipeline.utils.files import write_json
from stages.command import existing, output, stage


@stage
@click.argument("folder", type=existing)
@click.option("--packed", type=existing, default="data/packed", show_default=True, help="Folder of packs.")
@click.option("--pairs", type=existing, default="data/pairs", show_default=True, help="Folder of pairs.")
@click.option("--out", type=output, help="JSON file to write the scores to.")
def main(folder: Path, packed: Path, pairs: Path, out: Path | None, params: Path) -> None:
    """Score the pictures in FOLDER, painted of what `pose25d export-benchmark` lists, by any code: pairs/000000.png, twins/000000_original.png ..."""
    pack = read_packs(packed, load_data(params).test_subjects)
    figures = score(Benchmark.of(pack, read_pairs(pairs / "test.csv", pack)), folder)
    for one in USUAL_SCORES:
        found = figures["painted"]
        click.echo(f"{one.heading:<16}{found[one.name]}   {found[f'{one.name}_low']} to {found[f'{one.name}_high']}")
    if "depth" in figures:
        depth = figures["depth"]
        click.echo(f"{'order accuracy':<16}{depth['order_accuracy']}   {depth['order_low']} to {depth['order_high']}, {depth['order_cases']} twins")
    if out is not None:
        write_json(out, figures)
        click.echo(f"{out}: written")


if __name__ == "__main__":
    main()
