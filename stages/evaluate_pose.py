"""Score the trained pose estimators on people whom they were not trained on."""

from pathlib import Path

import click

from pipeline.config.pose_net import EvaluatePoseConfig, PoseDataConfig, PoseNetConfig
from pipeline.config.section import load_config
from pipeline.networks.checkpoint import load_network
from pipeline.networks.openpose import PoseNet
from pipeline.packs.pack import read_packs
from pipeline.pose_estimation.estimate import locate_joints
from pipeline.pose_estimation.evaluation import USUAL, check_joints, choose_rows, score_net, table, time_per_image
from pipeline.pose_estimation.pictures import skeleton_grid
from pipeline.utils.devices import fix_arithmetic
from pipeline.utils.files import atomic_folder, check_replaceable, write_json
from pipeline.utils.images import encode
from stages.command import existing, output, stage

FILES = ("table.md", "samples.jpg")


@stage
@click.argument("packed", type=existing)
@click.argument("nets", type=existing)
@click.argument("test", type=output)
@click.argument("samples", type=output)
def main(packed: Path, nets: Path, test: Path, samples: Path, params: Path) -> None:
    """Score the networks in the folder NETS on the test subjects among the packs in PACKED: figures TEST, table and pictures in SAMPLES."""
    check_replaceable(samples, FILES)
    config, shape = load_config(EvaluatePoseConfig, params, "evaluate_pose"), load_config(PoseNetConfig, params, "pose_net")
    fix_arithmetic(config.threads)
    pack = read_packs(packed, load_config(PoseDataConfig, params, "data").test_subjects)
    networks: dict[str, PoseNet] = {backbone: load_network(nets / f"{backbone}.safetensors", PoseNet) for backbone in shape.backbones}
    for backbone, network in networks.items():
        check_joints(nets / f"{backbone}.safetensors", network, pack)
    figures = {backbone: score_net(network, pack, shape.sigma, config) for backbone, network in networks.items()}
    height, width = pack.image.shape[1:3]
    for size in ((height, width), USUAL):
        for backbone, network in networks.items():
            taken = f"{1000 * time_per_image(network, size):.1f} ms per image of {size[0]} x {size[1]} px"
            click.echo(f"evaluate_pose: {backbone} takes {taken} on {config.threads} CPU threads")
    click.echo(table(figures))
    rows = choose_rows(pack, config.samples)
    found = {backbone: locate_joints(network, pack.image[rows], config.batch_size) for backbone, network in networks.items()}
    with atomic_folder(samples, FILES) as partial:
        (partial / "table.md").write_text(table(figures), encoding="utf-8")
        image_grid = skeleton_grid(pack.image[rows], {**found, "truth": pack.pose_2d[rows]})
        (partial / "samples.jpg").write_bytes(encode(image_grid, ".jpg"))
    write_json(test, figures)


if __name__ == "__main__":
    main()
