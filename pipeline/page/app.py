"""The local web page: depth labels by hand, and the pose studio. On this machine alone, behind a token, and only what the folder lists.

Every request has to name the token that the URL on the terminal gives (afterwards a cookie does), to be addressed to this machine, and to come from
this page, so that no other page in the browser and no other user can talk to it. Pictures are asked for by name, and a name is looked up, never
opened.
"""

import hmac
import json
import re
from collections.abc import Awaitable, Callable
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import numpy as np
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from pipeline.page.folder import CannotShowError, ConflictError, Photo, PhotoFolder
from pipeline.page.guess import Guess
from pipeline.page.painting import PoseStudio
from pipeline.pose.drawing import LABEL_COLOURS
from pipeline.pose.labels import Labels
from pipeline.pose.skeleton import H36M_17, LIMB_NAMES, LIMBS, NECK_AND_HEAD, TORSO
from pipeline.utils.errors import UserError, printable

if TYPE_CHECKING:
    from pipeline.page.moving import MotionStudio

COOKIE = "pose25d-{port}"  # cookies are of a host, so that of another page on this machine would be taken for this one
MOST_BYTES = 64 * 1024  # of a request
MOST_MOTION_BYTES = 8 * 2**20  # of one that holds a motion file
HOST = re.compile(r"(?:127\.0\.0\.1|localhost)(?::([0-9]{1,5}))?")
KINDS = {"page.html": "text/html", "page.js": "text/javascript", "page.css": "text/css"}
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; img-src 'self' blob:; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-store",
}
NO_MODEL = "there is no model to paint with; start the page with --g1 and --g2"
NO_TOKEN = "open the address that the terminal shows: it names the token of this page"
# Whoever is sent here by another page, such as the file that opens this one, has a cookie that the browser keeps back; asked from here, it gives it.
ONCE_MORE = f'<!doctype html><meta http-equiv="refresh" content="0; url=/"><title>pose25d</title>{NO_TOKEN}'

Next = Callable[[Request], Awaitable[Response]]


class Refused(Exception):
    """A request that is answered with this status and line."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status


def make_app(
    folder: PhotoFolder,
    token: str,
    guess: Guess | None = None,
    studio: PoseStudio | None = None,
    moving: "MotionStudio | None" = None,
    entered: Callable[[], object] = lambda: None,
) -> Starlette:
    """The application on a folder of photos.

    guess : gives labels to begin with; studio, moving : paint poses and motions; entered : is called when the token was named
    """
    page = _Page(folder, guess, studio, moving)
    routes = [
        Route("/", page.home),
        Route("/favicon.ico", page.no_icon),
        Route("/static/{file}", page.static),
        Route("/api/photos", page.photos),
        Route("/api/photo/{name}", page.photo),
        Route("/image/{name}", page.image),
        Route("/api/labels/{name}", page.label, methods=["PUT"]),
        Route("/api/paint/{name}", page.paint, methods=["POST"]),
        Route("/api/motion", page.motion, methods=["GET", "PUT", "PATCH"]),
        Route("/api/motion/{name}", page.placed_motion),
        Route("/api/motion/{name}/film", page.film, methods=["POST"]),
        Route("/api/motion/{name}/{number:int}", page.frame),
    ]
    return Starlette(routes=routes, middleware=[Middleware(_Guard, token=token, entered=entered)], exception_handlers={Refused: _refuse})


async def _refuse(_: Request, error: Exception) -> Response:
    assert isinstance(error, Refused)
    return PlainTextResponse(str(error), error.status)


class _Guard(BaseHTTPMiddleware):
    """Lets in who knows the token, addresses this machine, and comes from this page."""

    def __init__(self, app: Any, token: str, entered: Callable[[], object]) -> None:
        super().__init__(app)
        self.token, self.entered = token, entered

    async def dispatch(self, request: Request, call_next: Next) -> Response:
        """Answer, or refuse; every answer carries `HEADERS`."""
        response = await self._answer(request, call_next)
        response.headers.update(HEADERS)
        return response

    async def _answer(self, request: Request, call_next: Next) -> Response:
        host = HOST.fullmatch(request.headers.get("host", ""))
        if host is None:
            return PlainTextResponse("this page is for this machine alone", 403)
        if _is_foreign(request):
            return PlainTextResponse("this is asked by another page, which has no business here", 403)
        cookie = COOKIE.format(port=host[1] or 80)
        asked = request.query_params.get("token")
        if not hmac.compare_digest((asked or request.cookies.get(cookie, "")).encode(), self.token.encode()):
            if asked is None and _is_sent_here(request):
                return HTMLResponse(ONCE_MORE, 403)
            return PlainTextResponse(NO_TOKEN, 403)
        if asked is not None:  # the token leaves the address, and stays as a cookie
            self.entered()
            response: Response = RedirectResponse("/", 303)
            response.set_cookie(cookie, self.token, httponly=True, samesite="strict")
            return response
        return await call_next(request)


def _is_foreign(request: Request) -> bool:
    """Whether another page asks: its browser says so, by headers that pages cannot set. To be sent to the first page is allowed, as by a link."""
    origin, site = request.headers.get("origin"), request.headers.get("sec-fetch-site", "none")
    if origin is not None and origin != f"http://{request.headers['host']}" and not (origin == "null" and site == "same-origin"):
        return True
    return site not in ("same-origin", "none") and not _is_sent_here(request)


def _is_sent_here(request: Request) -> bool:
    """Whether another page leads to this one."""
    return request.method == "GET" and request.url.path == "/" and request.headers.get("sec-fetch-site") in ("cross-site", "same-site")


class _Page:
    def __init__(self, folder: PhotoFolder, guess: Guess | None, studio: PoseStudio | None, moving: "MotionStudio | None") -> None:
        self.folder, self.guess, self.studio, self.moving = folder, guess, studio, moving

    async def home(self, _: Request) -> Response:
        return _file("page.html")

    async def no_icon(self, _: Request) -> Response:
        """Browsers ask for one by themselves."""
        return Response(status_code=204)

    async def static(self, request: Request) -> Response:
        name = request.path_params["file"]
        if name not in KINDS:
            raise Refused(404, f"{printable(name)}: there is no such file")
        return _file(name)

    async def photos(self, _: Request) -> Response:
        """What there is, and what a skeleton is made of."""
        described = {
            "photos": [{"name": name, "done": self.folder.is_done(name)} for name in self.folder.photos],
            "without": self.folder.without,
            "left_out": [{"name": name, "reason": reason} for name, reason in self.folder.left_out.items()],
            "limbs": [{"name": name.replace("_", " "), "key": name, "joints": limb} for name, limb in zip(LIMB_NAMES, LIMBS, strict=True)],
            "joints": H36M_17.names,
            "parents": H36M_17.parents,
            "torso": TORSO,
            "head": NECK_AND_HEAD,
            "colours": {str(label): colour for label, colour in LABEL_COLOURS.items()},
            "studio": self.studio is not None,
            "motions": self.moving is not None,
            "motion": self.moving is not None and self.moving.loaded,
        }
        return JSONResponse(described)

    async def photo(self, request: Request) -> Response:
        """One photo: its size, joints, labels, and a guess of them."""
        photo = self._find(request)
        try:
            (width, height), error = self.folder.size(photo.name), None
        except CannotShowError as fault:
            width, height, error = 0, 0, str(fault)
        joints = [None if np.isnan(x) else [round(float(x), 2), round(float(y), 2)] for x, y in photo.pose_2d]
        guess, why = await run_in_threadpool(self._guess, photo) if error is None else (None, None)
        known = {"labels": self.folder.labels(photo.name), "visible": photo.visible, "guess": guess, "no_guess": why}
        return JSONResponse({"name": photo.name, "width": width, "height": height, "error": error, "joints": joints, **known})

    async def image(self, request: Request) -> Response:
        """The picture of a photo, as JPEG."""
        try:
            return Response(await run_in_threadpool(self.folder.shown, self._find(request).name), media_type="image/jpeg")
        except CannotShowError as error:
            raise Refused(422, str(error)) from None

    async def label(self, request: Request) -> Response:
        """Save the labels of a photo; `before`, if it is said, is what they were on the page."""
        photo, body = self._find(request), await _body(request)
        labels = _labels(body.get("labels"))
        before = _labels(body["before"]) if "before" in body else None
        try:
            await run_in_threadpool(self.folder.save, photo.name, labels, before)
        except ConflictError as error:
            raise Refused(409, str(error)) from None
        except (UserError, OSError) as error:
            raise Refused(507, f"not saved: {error}") from None
        return JSONResponse({"done": self.folder.is_done(photo.name), "labelled": self.folder.done, "of": len(self.folder.photos)})

    async def paint(self, request: Request) -> Response:
        """Paint the person of a photo in the pose of the request, which has the form of a pose file."""
        names, pose = self._person(request), await _body(request)
        if self.studio is None:
            raise Refused(404, NO_MODEL)
        return _painted(*await _work(self.studio.paint, names[0], pose, names[1:]))

    async def motion(self, request: Request) -> Response:
        """The motion as a motion file: ask for it, put another in its place, or label a stretch of it."""
        moving = self._moving()
        if request.method == "PUT":
            await _work(moving.load, (await _read(request, MOST_MOTION_BYTES)).decode("utf-8-sig", errors="replace"))
        elif request.method == "PATCH":
            content = await _body(request)
            await _work(moving.label, *_change(content))
        else:
            return Response(await _work(moving.content), media_type="application/json")
        return Response(status_code=204)

    async def placed_motion(self, request: Request) -> Response:
        """The motion as it is painted with a photo, for the page."""
        return Response(await _work(self._moving().shown, self._person(request)), media_type="application/json")

    async def frame(self, request: Request) -> Response:
        """Paint a frame of the motion with the person of a photo."""
        return _painted(*await _work(self._moving().paint, self._person(request), request.path_params["number"]))

    async def film(self, request: Request) -> Response:
        """Paint the whole motion with the person of a photo."""
        return Response(await _work(self._moving().film, self._person(request)), media_type="video/mp4")

    def _moving(self) -> "MotionStudio":
        if self.moving is None:
            raise Refused(404, NO_MODEL)
        return self.moving

    def _person(self, request: Request) -> tuple[str, ...]:
        """The photos of the person who is painted: the one that is named, and those that `also` names."""
        return tuple(dict.fromkeys(self._known(name).name for name in (request.path_params["name"], *request.query_params.getlist("also"))))

    def _find(self, request: Request) -> Photo:
        return self._known(request.path_params["name"])

    def _known(self, name: str) -> Photo:
        if name not in self.folder.photos:
            raise Refused(404, f"{printable(name)}: there is no such photo")
        return self.folder.photos[name]

    def _guess(self, photo: Photo) -> tuple[Labels | None, str | None]:
        """A guess of the labels, and why there is none."""
        try:
            return (None if self.guess is None else self.guess(photo.name, photo.pose_2d)), None
        except UserError as error:
            return None, str(error)


def _file(name: str) -> Response:
    return Response(files("pipeline.page").joinpath("static", name).read_bytes(), media_type=KINDS[name])


async def _work(function: Callable[..., Any], *arguments: Any) -> Any:
    """What a function gives that takes its time; what it complains of is the answer."""
    try:
        return await run_in_threadpool(function, *arguments)
    except (UserError, CannotShowError) as error:
        raise Refused(422, str(error)) from None


def _painted(picture: bytes, taken: float) -> Response:
    return Response(picture, media_type="image/png", headers={"X-Milliseconds": f"{1000 * taken:.0f}"})


async def _read(request: Request, most: int) -> bytes:
    """The body of a request, of at most so many bytes."""
    body = bytearray()
    try:
        async for part in request.stream():
            body += part
            if len(body) > most:
                raise Refused(413, f"expected at most {most} bytes")
    except ClientDisconnect:
        raise Refused(400, "the request broke off") from None
    return bytes(body)


async def _body(request: Request) -> dict[str, Any]:
    """The JSON object of a request, of at most `MOST_BYTES`."""
    try:
        content = json.loads(await _read(request, MOST_BYTES))
    except (ValueError, RecursionError):
        raise Refused(400, "expected JSON") from None
    if not isinstance(content, dict):
        raise Refused(400, "expected a JSON object")
    return content


def _change(content: dict[str, Any]) -> tuple[str, int, int, int]:
    """Limb, first and last frame, and their label."""
    limb, start, stop, label = (content.get(key) for key in ("limb", "start", "stop", "label"))
    if not isinstance(limb, str) or type(start) is not int or type(stop) is not int or label is None or not _is_label(label):
        raise Refused(400, "expected limb, start and stop, and a label, -1, 0 or 1")
    return limb, start, stop, label


def _labels(values: Any) -> Labels:
    if not isinstance(values, list) or len(values) != len(LIMB_NAMES) or not all(_is_label(value) for value in values):
        raise Refused(400, f"expected {len(LIMB_NAMES)} labels, each -1, 0, 1 or null")
    return tuple(values)


def _is_label(value: Any) -> bool:
    """Whether a value of JSON is a label; `false` is none, and neither is 1.0."""
    return value is None or (type(value) is int and value in (-1, 0, 1))
