"""Where `celery -A tasks worker` and `celery -A tasks flower` find the app."""

from celery import Celery

from jobs.environment import UnreadableSettings, read_settings
from jobs.kind import InvalidKind
from tasks.engine.worker import create_worker


def _create() -> Celery:
    try:
        return create_worker(read_settings())
    except (UnreadableSettings, InvalidKind) as error:
        raise SystemExit(f"headrace: {error}") from None


app = _create()
