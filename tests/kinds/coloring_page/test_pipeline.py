"""What a provider is asked for to make a coloring page."""

import pytest

from headrace.provider import Image, ImageRequest
from headrace.testing import run_kind
from kinds.coloring_page import KIND
from kinds.offline import OfflineProvider

pytestmark = pytest.mark.slow


class Noting(OfflineProvider):
    """Keeps what it was asked to paint."""

    def __init__(self) -> None:
        super().__init__()
        self.requests: list[ImageRequest] = []

    async def image(self, request: ImageRequest) -> Image:
        self.requests.append(request)
        return await super().image(request)


async def test_the_words_on_line_art_are_sent_once() -> None:
    provider = Noting()
    await run_kind(KIND, {"prompt": "a fox in the snow"}, provider=provider)
    [request] = provider.requests
    assert request.words.count("outlines") == 1
    assert request.words.count("shading") == 1
