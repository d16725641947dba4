"""A Celery worker that knows nothing of us: stock transport, JSON only. Its one task notes its calls in the file NOTES.

celery -A tests.support.stock_worker worker --queues default
"""

import json
import os
from pathlib import Path
from typing import Any

from celery import Celery, Task

app = Celery("stock", broker=os.environ["REDIS_URL"], set_as_current=False)
app.conf.update(task_serializer="json", accept_content=["json"], task_ignore_result=True)


@app.task(bind=True, name="story")
def note(self: "Task[Any, Any]", *args: object, **kwargs: object) -> None:
    with Path(os.environ["NOTES"]).open("a") as notes:
        notes.write(json.dumps([self.request.id, args, kwargs]) + "\n")
