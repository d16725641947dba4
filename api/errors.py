"""What can be wrong with a request before it is about a job.

HeadraceError
├── Unauthorized           401
├── BodyTooLarge           413
└── UnsupportedMediaType   415
"""

from jobs.errors import HeadraceError


class Unauthorized(HeadraceError):
    status = 401
    title = "Unauthorized"

    def __init__(self) -> None:
        super().__init__("Send the token of this deployment as `Authorization: Bearer <token>`.")


class BodyTooLarge(HeadraceError):
    status = 413
    title = "Body too large"

    def __init__(self, max_bytes: int) -> None:
        super().__init__(f"The body is larger than {max_bytes} bytes. Send a smaller one.")


class UnsupportedMediaType(HeadraceError):
    status = 415
    title = "Unsupported media type"

    def __init__(self, *taken: str) -> None:
        super().__init__(f"The body must be sent as Content-Type: {' or '.join(taken)}.")
