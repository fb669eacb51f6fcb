"""The Celery application. Messages carry an operation's id and nothing else; the database is the queue of record."""

import os
import warnings

from celery import Celery
from celery.platforms import SecurityWarning

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "console.settings")
# About running as root, which matters where messages carry pickles; ours are JSON.
warnings.simplefilter("ignore", SecurityWarning)

app = Celery("pilothouse")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks(["engines.operations"])
