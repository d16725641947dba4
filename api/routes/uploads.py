"""Pictures for jobs that work on one."""

from typing import Any

from fastapi import APIRouter, Request, Response, status

from api.dependencies import UploadStore
from api.documentation import EXAMPLE_ID, answer, problems
from api.errors import UnsupportedMediaType
from api.picture_header import JPEG, PNG, WEBP, size_of, type_of
from api.submission import invalid
from jobs.uploads import Upload

router = APIRouter(tags=["uploads"])

PATH = "/uploads"
TYPES = (PNG, JPEG, WEBP)
LEAST_SIDE = 64
"""Pixels. Less than this has no lines to find."""
MAX_PIXELS = 40_000_000
"""What a worker is ready to decode."""

_EXAMPLE = {
    "id": EXAMPLE_ID,
    "content_type": PNG,
    "size": 48213,
    "width": 1200,
    "height": 900,
    "expires_at": "2026-11-29T09:30:00Z",
}
_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {media_type: {"schema": {"type": "string", "format": "binary"}} for media_type in TYPES},
    }
}


@router.post(
    PATH,
    status_code=status.HTTP_201_CREATED,
    summary="Upload a picture",
    response_description="It is stored, and its id can be used in a job",
    responses={201: answer(_EXAMPLE, model=Upload)} | problems(413, 415, 422, 503),
    openapi_extra=_BODY,
)
async def create_upload(request: Request, uploads: UploadStore) -> Response:
    """The body is the picture itself, with its own Content-Type. Kept until `expires_at`.

    At least 64 pixels a side, at most 40 megapixels and HEADRACE_MAX_UPLOAD_BYTES.
    """
    declared = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if declared not in TYPES:
        raise UnsupportedMediaType(*TYPES)
    data = await request.body()
    width, height = _checked(data, declared)
    stored = await uploads.add(data, declared, width=width, height=height)
    return Response(stored.model_dump_json(), status.HTTP_201_CREATED, media_type="application/json")


def _checked(data: bytes, declared: str) -> tuple[int, int]:
    """Width and height. Raises RequestValidationError for what is no picture of the declared type, or of no use."""
    found, size = type_of(data), size_of(data)
    if found is None:
        raise invalid("body", "is no PNG, JPEG or WebP picture; send the bytes of one")
    if found != declared:
        raise invalid("body", f"is {found} but was sent as {declared}; send it with Content-Type: {found}")
    if size is None:
        raise invalid("body", "is damaged or cut off before its size; send the whole file")
    width, height = size
    if min(size) < LEAST_SIDE:
        raise invalid("body", f"is {width} x {height} pixels; send a picture of at least {LEAST_SIDE} x {LEAST_SIDE}")
    if width * height > MAX_PIXELS:
        most = MAX_PIXELS // 1_000_000
        raise invalid("body", f"is {width} x {height} pixels; scale it down to at most {most} megapixels")
    return size
