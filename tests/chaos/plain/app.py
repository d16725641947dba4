"""A plain Celery app: one task that takes a while, and notes in the file NOTES when it starts and ends.

celery -A tests.chaos.plain.app worker
"""

import json
import os
import time
from pathlib import Path
from typing import Any

from celery import Celery, Task

app = Celery("plain", broker=os.environ["REDIS_URL"], set_as_current=False)
app.conf.update(task_acks_late=os.environ["ACKS"] == "late", task_ignore_result=True, worker_concurrency=1)


@app.task(bind=True, name="plain.work")
def work(self: "Task[Any, Any]", seconds: float) -> None:
    _note(self, "start")
    time.sleep(seconds)
    _note(self, "end")


def _note(task: "Task[Any, Any]", event: str) -> None:
    with Path(os.environ["NOTES"]).open("a") as notes:
        notes.write(json.dumps({"job": task.request.id, "event": event}) + "\n")
