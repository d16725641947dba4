"""The real worker, but for the story's pipeline, which is `bench.headrace.story` and loads no library of its own.

celery -A bench.headrace.worker worker
"""

import sys

import tasks.worker
from bench.headrace import story
from jobs.settings import Settings
from tasks import pipelines

sys.modules[f"{pipelines.__name__}.story"] = story
app = tasks.worker.create_worker(Settings())
