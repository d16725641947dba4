"""The real worker, but for the story's pipeline, which is `bench.headrace.story` and loads no library of its own.

celery -A bench.headrace.worker worker
"""

import sys

import tasks.engine.worker
from bench.headrace import story
from jobs.settings import Settings

sys.modules["kinds.story.pipeline"] = story
app = tasks.engine.worker.create_worker(Settings())
