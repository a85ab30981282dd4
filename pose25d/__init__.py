"""The command for people, `pose25d`: one module per subcommand, loaded when it is asked for. Stages for DVC are in `stages/`."""

from pipeline.utils.environment import settle_environment

settle_environment()  # before torch is loaded
