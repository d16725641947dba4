"""Where `celery -A tasks worker` and `celery -A tasks flower` find the app."""

from jobs.settings import Settings
from tasks.worker import create_worker

app = create_worker(Settings())
