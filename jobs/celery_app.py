"""The Celery app. The worker and Flower run it; the API only renders messages with it."""

from celery import Celery

from jobs.celeryconfig import celery_config
from jobs.settings import Settings


def create_celery(settings: Settings) -> Celery:
    app = Celery("headrace", set_as_current=False)
    app.config_from_object(celery_config(settings))
    return app
