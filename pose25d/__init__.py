"""The command for people, `pose25d`: one module per subcommand, loaded when it is asked for. Stages for DVC are in `stages/`."""

import stages as _environment  # noqa: F401 (what may be inherited is settled before torch is loaded)
