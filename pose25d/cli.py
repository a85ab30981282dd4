"""`pose25d`: check recordings, label photos, repaint people. Each subcommand loads only what it needs, and only when it is called."""

import importlib
import keyword
from collections.abc import Mapping
from typing import Any

import click

from pose25d.doctor import version

# What each subcommand does, in a line: `--help` shows it without loading the subcommand. `module_of` says where it is.
COMMANDS = {
    "demo": "Try the pose studio out, on invented people and with the weights that come along.",
    "import": "Bring your own recordings, videos and photos into a form that the pipeline reads.",
    "check": "Inspect recordings in Human3.6M's layout before anyone waits for them.",
    "transfer": "Repaint the person in a picture in a new pose.",
    "animate": "Repaint the person in a picture in a motion.",
    "label": "Open the page for depth labels by hand, and the pose studio.",
    "export-benchmark": "Export the test pairs and twins for any other code to paint.",
    "score": "Score what any code painted of them.",
    "compare": "Compare two runs on the same pairs, with intervals over people.",
    "merge": "Bring the depth labels of two people together.",
    "find-keypoints": "Find the keypoints of the people in a folder of photos.",
    "pack-coco": "Pack the people of a COCO keypoint file.",
    "sweep": "Sweep the thicknesses of the body, to see what value fits.",
    "scratch": "List what unfinished trainings left to go on from, and clear it.",
    "doctor": "Say what this machine has, and what the project would do with it.",
}


def module_of(name: str, prefix: str = "pose25d.") -> str:
    """The module of a subcommand: its name with `_`, and one more where it is a word of Python's."""
    return f"{prefix}{name.replace('-', '_')}{'_' * keyword.iskeyword(name)}"


class Lazy(click.Group):
    """A group whose subcommands are modules, imported one at a time.

    commands_of : how the names of the modules begin, and what each subcommand does
    """

    def __init__(self, *args: Any, commands_of: tuple[str, Mapping[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.prefix, self.about = commands_of

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 (click's signature)
        """Names, in the order of their list."""
        return list(self.about)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 (click's signature)
        """Import a subcommand; None where there is none of that name."""
        if cmd_name not in self.about:
            return None
        command: click.Command = importlib.import_module(module_of(cmd_name, self.prefix)).main
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 (click's signature)
        """Write the list of subcommands without loading one of them."""
        with formatter.section("Commands"):
            formatter.write_dl(list(self.about.items()))


@click.command(cls=Lazy, commands_of=("pose25d.", COMMANDS), context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(version(), prog_name="pose25d")
def main() -> None:
    """Repaint a person in a new pose that says which limb is in front.

    Training and scores are DVC's: `dvc repro`, `dvc exp run -S section.name=value`. `pose25d COMMAND --help` says more of a command. For completion
    in a shell: `eval "$(_POSE25D_COMPLETE=bash_source pose25d)"` (or `zsh_source`, `fish_source`).
    """
