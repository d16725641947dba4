"""Word that the process is told to stop, while the server still waits for open connections."""

import asyncio
import signal
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def called_at_shutdown(close: Callable[[], object]) -> Generator[None]:
    """Has the loop call `close` on SIGTERM and SIGINT, and then lets the server's own handlers run.

    uvicorn ends the lifespan only after its last connection, and an event stream is one that would never end.
    """
    loop = asyncio.get_running_loop()
    handlers = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    # Only the main thread may set handlers; without one of a server's, the default, which ends the process, is right.
    hooked = {number: handler for number, handler in handlers.items() if callable(handler)}
    if threading.current_thread() is not threading.main_thread():
        hooked = {}

    def on_signal(number: int, frame: FrameType | None) -> None:
        loop.call_soon_threadsafe(close)
        hooked[signal.Signals(number)](number, frame)

    for number in hooked:
        signal.signal(number, on_signal)
    try:
        yield
    finally:
        for number, handler in hooked.items():
            signal.signal(number, handler)
