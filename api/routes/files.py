"""What jobs made."""

from urllib.parse import quote

from fastapi import APIRouter, Request, Response, status
from fastapi.responses import RedirectResponse

from api.dependencies import Files, Store
from api.documentation import JobId, problems
from api.representation import etag_of, matches
from jobs.errors import FileNotFound
from jobs.model import FileRef

router = APIRouter(tags=["jobs"])

_INERT = {"application/json", "application/pdf", "audio/mpeg", "audio/wav", "image/gif", "image/jpeg", "image/png",
          "image/webp", "text/markdown", "text/plain", "text/vtt", "video/mp4", "video/webm"}  # fmt: skip
"""Types that a browser shows without running anything."""
_SHOWN = _INERT | {"text/html", "image/svg+xml"}
"""What may be shown in place; all else is for downloading."""
_SANDBOX = (
    "sandbox; default-src 'none'; img-src 'self' data:; media-src 'self' data:; font-src data:; "
    "style-src 'unsafe-inline'"
)
"""Shown as a page of nobody: no scripts, no cookies, no requests."""


@router.get(
    "/jobs/{job_id}/files/{name}",
    summary="Fetch a file that a job made",
    response_class=Response,
    response_description="The file",
    responses={
        200: {
            "content": {
                "application/pdf": {"schema": {"type": "string", "format": "binary"}, "example": "%PDF-1.7 ..."}
            }
        },
        304: {"description": "The client has it already, by the ETag in `If-None-Match`"},
        307: {
            "description": "It lies where `Location` says, for the next ten minutes",
            "headers": {"Location": {"description": "A signed URL", "schema": {"type": "string"}}},
        },
    }
    | problems(404, 503),
)
async def get_file(job_id: JobId, name: str, request: Request, store: Store, files: Files) -> Response:
    """The names are in the job's `files`."""
    job = await store.get(job_id)
    ref = next((file for file in job.files if file.name == name), None)
    if ref is None:
        raise FileNotFound(job_id, name)
    if url := await files.signed_url(ref):
        return RedirectResponse(url, status.HTTP_307_TEMPORARY_REDIRECT)
    # The key names the content, so that a file the client has need not be read.
    etag = etag_of(ref.key.encode())
    if matches(request, etag):
        return Response(status_code=status.HTTP_304_NOT_MODIFIED, headers={"ETag": etag})
    return Response(await files.get(ref), headers={"ETag": etag, "Content-Type": ref.content_type, **_safety(ref)})


def _safety(ref: FileRef) -> dict[str, str]:
    """Whatever a model or a user put into a file, it cannot act in the name of this origin."""
    media_type = ref.content_type.partition(";")[0].strip().lower()
    placed = "inline" if media_type in _SHOWN else "attachment"
    headers = {
        "X-Content-Type-Options": "nosniff",
        "Content-Disposition": f"{placed}; filename*=UTF-8''{quote(ref.name, safe='')}",
        "Cache-Control": "private, no-cache",
    }
    if media_type not in _INERT:
        headers["Content-Security-Policy"] = _SANDBOX
    return headers
