"""Score the trained generator on the stored test pairs."""

from functools import partial
from pathlib import Path

import click

from pipeline.config.evaluate import EvaluateConfig
from pipeline.config.kinds import load_data
from pipeline.config.parallel import ParallelConfig
from pipeline.config.section import load_config
from pipeline.evaluation.evaluate import evaluate
from pipeline.evaluation.examples.cases import write_cases
from pipeline.inference.generator import load_generator
from pipeline.packs.pack import read_packs
from pipeline.packs.pairs import read_sources
from pipeline.utils.devices import choose_device, fix_arithmetic
from pipeline.utils.files import write_json
from pipeline.utils.memory import keep_memory
from stages.command import existing, output, stage


@stage
@click.argument("packed", type=existing)
@click.argument("pairs", type=existing)
@click.argument("g1", type=existing)
@click.argument("g2", type=existing)
@click.argument("test", type=output)
@click.argument("cases", type=output)
def main(packed: Path, pairs: Path, g1: Path, g2: Path, test: Path, cases: Path, params: Path) -> None:
    """Paint the test pairs in PAIRS with the weights G1 and G2; write the scores TEST and, for the report, CASES."""
    config = load_config(EvaluateConfig, params, "evaluate")
    fix_arithmetic(config.threads)
    keep_memory()
    device = choose_device(load_config(ParallelConfig, params, "parallel").accelerator)
    data = load_data(params)
    pack, trained_on = read_packs(packed, data.test_subjects), partial(read_packs, packed, data.train_subjects)
    figures, shown = evaluate(load_generator(g1, g2), pack, read_sources(pairs / "test.csv", pack), config, device, trained_on)
    write_cases(cases, shown)
    write_json(test, figures)


if __name__ == "__main__":
    main()
