"""Section `parallel`: where the work runs. Results do not depend on it, so no stage lists it in `params`."""

from typing import Literal

from pydantic import Field

from pipeline.config.section import Section, Text, Whole


class ParallelConfig(Section):
    """Section `parallel` of params.yaml."""

    workers: Whole = Field(ge=-1, le=1024, description="processes of the data stages; -1 is one per core")
    scheduler: Text | None = Field(
        description="address or scheduler file (.json) of a Dask scheduler for the data stages, or null: this machine alone"
    )
    accelerator: Literal["auto", "cpu", "gpu", "cuda", "mps"] = Field(description="what to train on, as Lightning Fabric names it")
    devices: Whole = Field(ge=1, le=1024, description="devices per machine for training")
    nodes: Whole = Field(ge=1, le=4096, description="machines for training")
    strategy: Text = Field(description="Lightning Fabric's strategy, `auto` or `ddp`")
