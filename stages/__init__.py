"""One command per DVC stage: `python -m stages.<name>`. What a process may inherit is settled here, before any stage loads anything."""

from pipeline.utils.environment import settle_environment

settle_environment()
