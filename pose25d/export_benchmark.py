"""Export the test set for other people's code."""

from pathlib import Path

import click

from pipeline.comparison.benchmark import Benchmark, export
from pipeline.config.kinds import load_data
from pipeline.packs.pack import read_packs
from pipeline.packs.pairs import read_pairs
from pipeline.utils.files import file_hash
from stages.command import existing, output, stage


@stage
@click.argument("out", type=output)
@click.option("--packed", type=existing, default="data/packed", show_default=True, help="Folder of packs.")
@click.option("--pairs", type=existing, default="data/pairs", show_default=True, help="Folder of pairs.")
def main(out: Path, packed: Path, pairs: Path, params: Path) -> None:
    """Write the test pairs and twins to the folder OUT: pictures, poses with labels, masks, and lists of who is painted as what.

    What another code paints of them, `pose25d score` scores as the project's own images.
    """
    subjects = load_data(params).test_subjects
    pack = read_packs(packed, subjects)
    test = Benchmark.of(pack, read_pairs(pairs / "test.csv", pack))
    export(test, out, {"test_subjects": list(subjects), "pairs_sha256": file_hash(pairs / "test.csv")})
    click.echo(f"{out}: {len(test.pairs)} pairs and {len(test.numbers)} twins; next: paint them, then `pose25d score`")


if __name__ == "__main__":
    main()
