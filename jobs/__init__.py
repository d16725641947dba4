"""What a job is and where it is kept: model, states, settings, the Redis store, the Celery app and its queues."""
