"""Open the page on which depth labels are made by hand, and poses are tried out."""

import os
import secrets
import socket
import tempfile
import webbrowser
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import click
import uvicorn

from pipeline.config.kinds import load_data
from pipeline.config.pose import PoseConfig
from pipeline.config.section import load_config
from pipeline.datasets.photos.hand_labels import FILE_NAME
from pipeline.inference.generator import load_generator
from pipeline.page.app import make_app
from pipeline.page.folder import PhotoFolder
from pipeline.page.guess import Guess, guess_from_3d, guess_from_lifter
from pipeline.page.painting import PoseStudio
from pipeline.utils.devices import fix_arithmetic
from pipeline.utils.errors import UserError
from pipeline.utils.remade import check_kept
from stages.command import existing, stage

THREADS = 2


@stage
@click.argument("folder", type=existing)
@click.option("--labels", type=click.Path(path_type=Path), help="File of labels.  [default: depth.csv in FOLDER]")
@click.option("--poses-3d", type=existing, help="3D poses (.npz) to guess labels from.")
@click.option("--lifter", type=existing, help="Weights of a lifter to guess labels with.")
@click.option("--g1", type=existing, help="Weights of G1, for the studio.")
@click.option("--g2", type=existing, help="Weights of G2, for the studio.")
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="Port of the page.  [default: one that is free]")
@click.option("--browser/--no-browser", default=True, help="Open the page in the browser.  [default: yes]")
def main(
    folder: Path,
    labels: Path | None,
    poses_3d: Path | None,
    lifter: Path | None,
    g1: Path | None,
    g2: Path | None,
    port: int,
    browser: bool,
    params: Path,
) -> None:
    """Label the photos in FOLDER, which holds their keypoints, too (*annotation*.csv): which limb is in front?

    With the weights of a model (--g1 and --g2, and --params of its recipe) the page repaints the people, too. It is for this machine alone.
    """
    if (g1 is None) != (g2 is None):
        raise UserError("expected --g1 and --g2 together, found one of them")
    check_kept(labels or folder / FILE_NAME)
    photos = PhotoFolder(folder, labels)
    studio = None
    if g1 is not None and g2 is not None:
        fix_arithmetic(THREADS)
        data = load_data(params)
        studio = PoseStudio(photos, load_generator(g1, g2), data.margin if data.kind == "recordings" else None)
    token = secrets.token_urlsafe(24)
    with _listen(port) as listener, ExitStack() as stack:
        private = stack.enter_context(_private_folder()) if browser else None
        address = f"http://127.0.0.1:{listener.getsockname()[1]}/?token={token}"
        entered = stack.close  # the file that opened the page has served its purpose
        app = make_app(photos, token, _guess(poses_3d, lifter, params), studio, entered)
        answers = click.format_filename(photos.label_file)
        click.echo(f"label: {photos.done} of {len(photos.photos)} photos are labelled; answers go to {answers}")
        click.echo(f"label: {address} (Ctrl+C ends it)")
        for name, reason in photos.left_out.items():
            click.echo(f"label: {name} is left out, {reason}")
        if private is not None:
            webbrowser.open(_page_that_leads_to(address, private).as_uri())
        with suppress(KeyboardInterrupt):  # the way to end it
            uvicorn.Server(uvicorn.Config(app, log_level="warning")).run(sockets=[listener])


@contextmanager
def _private_folder() -> Iterator[Path]:
    """A new folder that no other user may look into, removed at the end.

    In the home folder, if that can be: browsers that come as a snap, as Ubuntu's do, see no other place.
    """
    home = os.path.expanduser("~")  # Path.home() raises where nobody has one
    place = home if os.access(home, os.W_OK) else None
    with tempfile.TemporaryDirectory(prefix="pose25d-", dir=place, ignore_cleanup_errors=True) as folder:
        yield Path(folder)


def _page_that_leads_to(address: str, folder: Path) -> Path:
    """A file that opens `address`. Other users see the command line of the browser: it names the file, which they may not read, not the token."""
    page = folder / "open.html"
    page.touch(mode=0o600)
    page.write_text(
        f'<!doctype html><meta charset="utf-8"><meta name="referrer" content="no-referrer"><title>pose25d</title>'
        f'<meta http-equiv="refresh" content="0; url={address}"><a href="{address}">pose25d</a>\n',
        encoding="utf-8",
    )
    return page


def _guess(poses_3d: Path | None, lifter: Path | None, params: Path) -> Guess | None:
    if poses_3d is not None:
        return guess_from_3d(poses_3d, load_config(PoseConfig, params, "pose"))
    return None if lifter is None else guess_from_lifter(lifter, load_config(PoseConfig, params, "pose"))


def _listen(port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(("127.0.0.1", port))
        listener.listen()  # before the browser is opened, which may be quicker than the server
    except OSError as error:
        listener.close()
        raise UserError(f"port {port}: {error.strerror}; choose another with --port") from None
    return listener


if __name__ == "__main__":
    main()
