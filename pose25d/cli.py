"""`pose25d`: check recordings, label photos, repaint people. Each subcommand loads only what it needs, and only when it is called."""

import importlib

import click

from pose25d.doctor import version

# What each subcommand does, in a line: `--help` shows it without loading the subcommand. Its name with `_` is its module.
COMMANDS = {
    "check": "Inspect recordings in Human3.6M's layout before anyone waits for them.",
    "transfer": "Repaint the person in a picture in a new pose.",
    "label": "Open the page for depth labels by hand, and the pose studio.",
    "merge": "Bring the depth labels of two people together.",
    "find-keypoints": "Find the keypoints of the people in a folder of photos.",
    "pack-coco": "Pack the people of a COCO keypoint file.",
    "sweep": "Sweep the thicknesses of the body, to see what value fits.",
    "scratch": "List what unfinished trainings left to go on from, and clear it.",
    "doctor": "Say what this machine has, and what the project would do with it.",
}


class Lazy(click.Group):
    """A group whose subcommands are modules of this package, imported one at a time."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 (click's signature)
        """Names, in the order of `COMMANDS`."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 (click's signature)
        """Import a subcommand; None where there is none of that name."""
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = importlib.import_module(f"pose25d.{cmd_name.replace('-', '_')}").main
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 (click's signature)
        """Write the list of subcommands without loading one of them."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.command(cls=Lazy, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(version(), prog_name="pose25d")
def main() -> None:
    """Repaint a person in a new pose that says which limb is in front.

    Training and scores are DVC's: `dvc repro`, `dvc exp run -S section.name=value`. `pose25d COMMAND --help` says more of a command. For completion
    in a shell: `eval "$(_POSE25D_COMPLETE=bash_source pose25d)"` (or `zsh_source`, `fish_source`).
    """
