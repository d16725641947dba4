"""What documents have in common: the line that says who wrote them, and the step that renders and keeps them."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from headrace import FileRef, Step

Content = TypeVar("Content")


def byline(provider: str, *, has_source: bool, planned: str) -> str:
    """Who wrote it. `planned` is what the offline provider plans where there is no source to draw on."""
    match provider:
        case "offline" if has_source:
            return "Composed offline by Headrace, without AI: sentences of the source, chosen by counting words"
        case "offline":
            return f"Planned offline by Headrace, without AI: {planned}, no facts"
        case "local":
            return "Written with a language model on the operator's own machine"
        case _:
            return f"Written with {provider}"


def document(
    name: str, render: Callable[[Content], bytes], content_type: str, content: Content
) -> Callable[[Step], Awaitable[FileRef]]:
    """The step that renders `content` in a thread and keeps it as `name`."""

    async def make(step: Step) -> FileRef:
        return await step.keep(name, await asyncio.to_thread(render, content), content_type)

    return make
