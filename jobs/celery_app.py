"""The Celery app. The worker and Flower run it; the API only renders messages with it."""

from functools import cache

from celery import Celery

from jobs.celeryconfig import celery_config
from jobs.messages import Renderer
from jobs.settings import Settings


def create_celery(settings: Settings) -> Celery:
    app = Celery("headrace", set_as_current=False)
    app.config_from_object(celery_config(settings))
    return app


@cache
def renderer_of(settings: Settings) -> Renderer:
    """Of messages for workers with these settings: made once a process, for it takes a Celery app of its own."""
    return Renderer(create_celery(settings))
