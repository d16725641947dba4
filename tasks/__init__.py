"""The Celery worker: its engine, and the providers it asks."""
