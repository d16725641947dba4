"""Celery's consumer, but for when it tells Flower what it does, and that it tells which queues it consumes."""

from collections.abc import Callable, Sequence
from typing import Any

from celery.worker.consumer import Consumer as CeleryConsumer

FLUSH_EVERY = 0.2
"""Seconds between two publications of events."""


class Consumer(CeleryConsumer):
    """Lets a task's events wait for their publication, several together.

    Celery publishes that a task came before it gives the task to its child: 0.4 ms by which each job starts later.
    """

    event_dispatcher: Any
    """None while it is not connected."""

    def on_send_event_buffered(self) -> Any:  # noqa: ANN401  # as Celery declares it
        """Nothing is to be done at once."""

    def flush_events(self) -> None:
        """To be called every FLUSH_EVERY."""
        if self.event_dispatcher:
            self.event_dispatcher.flush()

    def stop(self) -> None:
        self.flush_events()
        super().stop()


def consumer_of(on_queues: Callable[[Sequence[str]], object]) -> type[Consumer]:
    """A consumer that tells `on_queues` what it consumes after an order to take on one more queue, or leave one."""

    class TellingConsumer(Consumer):
        def add_task_queue(self, *args: Any, **options: Any) -> Any:  # noqa: ANN401  # Celery's signature
            added = super().add_task_queue(*args, **options)
            self._tell()
            return added

        def cancel_task_queue(self, queue: Any) -> None:  # noqa: ANN401  # Celery's
            super().cancel_task_queue(queue)
            self._tell()

        def _tell(self) -> None:
            on_queues(list(self.app.amqp.queues.consume_from))

    return TellingConsumer
