"""The offline provider's pictures: drawn from a scene, or traced from a source."""

from typing import cast

from headrace import Reason, Rejected
from headrace.provider import ImageRequest
from kinds.coloring_page import Detail
from kinds.coloring_page.line_art.reading import UnreadablePicture
from kinds.offline.drawing.canvas import Canvas
from kinds.offline.drawing.illustrator import Drawn, draw
from kinds.offline.drawing.outlines import OutlineCanvas
from kinds.offline.drawing.tracing import trace


def picture(request: ImageRequest) -> Drawn:
    """Raises Rejected when there is a source that cannot be read, or that is to become anything but line art."""
    if request.source is None:
        canvas = OutlineCanvas if request.style == "line_art" else Canvas
        return draw(request.scene, canvas, width=request.width, height=request.height, seed=request.seed)
    if request.style != "line_art":
        message = "the offline illustrator can only make line art of a picture"
        raise Rejected(message, reason=Reason.PROVIDER_REJECTED)
    try:
        return Drawn(trace(request.source, cast("Detail", request.scene.get("detail", "normal"))), [])
    except UnreadablePicture as error:
        message = f"the picture to redraw cannot be read: {error}"
        raise Rejected(message, reason=Reason.PROVIDER_REJECTED) from error
