"""Serve the local page on a folder of photos, and open it in the browser."""

import os
import secrets
import socket
import tempfile
import webbrowser
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import uvicorn

from pipeline.page.app import make_app
from pipeline.page.folder import PhotoFolder
from pipeline.page.guess import Guess
from pipeline.page.painting import PoseStudio
from pipeline.utils.devices import fix_arithmetic
from pipeline.utils.errors import UserError
from pose25d.weights import Weights

if TYPE_CHECKING:
    from pipeline.page.moving import MotionStudio
    from pose25d.motions import Wanted

THREADS = 2


def page_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """The options of every command that serves the page: `port` and `browser`."""
    port = click.option("--port", type=click.IntRange(0, 65535), default=0, help="Port of the page.  [default: one that is free]")
    browser = click.option("--browser/--no-browser", default=True, help="Open the page in the browser.  [default: yes]")
    return port(browser(function))


def make_studio(photos: PhotoFolder, weights: Weights) -> PoseStudio:
    """The pose studio with these weights; raises UserError where a file of them is missing or damaged."""
    fix_arithmetic(THREADS)
    return PoseStudio(photos, weights.load(), weights.margin)


def make_motions(studio: PoseStudio, weights: Weights, wanted: "Wanted | None" = None) -> "MotionStudio | None":
    """The studio's motions, the wanted one to begin with; None where what reads and writes films is not installed, as the demo does without it."""
    if find_spec("av") is None or find_spec("h5py") is None:
        return None
    from pipeline.page.moving import MotionStudio
    from pose25d.motions import read_wanted

    motion = None if wanted is None else read_wanted(wanted, studio.generator, weights)
    return MotionStudio(studio.folder, studio.generator, studio.margin, motion)


def serve(
    photos: PhotoFolder,
    guess: Guess | None,
    studio: PoseStudio | None,
    moving: "MotionStudio | None",
    port: int,
    browser: bool,
    say: Callable[[str], None],
) -> None:
    """Serve the page until Ctrl+C; `say` gets a line with its address, and one for each photo that is left out.

    port : 0 takes one that is free. Raises UserError where the port is taken.
    """
    token = secrets.token_urlsafe(24)
    with _listen(port) as listener, ExitStack() as stack:
        private = stack.enter_context(_private_folder()) if browser else None
        address = f"http://127.0.0.1:{listener.getsockname()[1]}/?token={token}"
        entered = stack.close  # the file that opened the page has served its purpose
        app = make_app(photos, token, guess, studio, moving, entered)
        say(f"{address} (Ctrl+C ends it)")
        for name, reason in photos.left_out.items():
            say(f"{name} is left out, {reason}")
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
