"""Section `evaluate`: how the test pairs are scored."""

from pydantic import Field

from pipeline.config.section import BatchSize, Flag, Section, Text, Threads, Whole


class EvaluateConfig(Section):
    """Section `evaluate` of params.yaml."""

    batch_size: BatchSize = Field(description="pairs that are painted at a time")
    threads: Threads = Field(description="CPU threads; fixed, because the number changes the last bits")
    samples: Whole = Field(ge=1, le=1000, description="test pairs shown in the report's grid")
    inception: Text | None = Field(description="file of Inception weights (TorchScript), or null: no Inception-based scores")
    lpips: tuple[Text, Text] | None = Field(
        description="two files for the score `lpips`, of torchvision's AlexNet and of LPIPS' layers (docs/scores.md), or null: without it"
    )
    dists: tuple[Text, Text] | None = Field(
        description="two files for the score `dists`, of torchvision's VGG-16 and of DISTS' weights (docs/scores.md), or null: without it"
    )
    patn: Flag = Field(description="also SSIM as PATN's code computes it for DeepFashion, on images with white margins (`ssim_patn`)")
    pose_net: Text | None = Field(description="weights of a pose estimator (`recipes/pose/`) for the score `pck`, or null: without it")
