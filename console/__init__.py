"""The Django project: wiring only."""

from console.celery import app as celery_app

# Loaded with the project, so that tasks declared with @shared_task send to this broker from every process.
__all__ = ["celery_app"]
