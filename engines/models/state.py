"""What the watcher last learned of each engine, and when each long-running process last reported."""

from django.db import models

from engines.models.engine import Engine


class EngineState(models.Model):
    """The last known state of an engine. Written by the watcher alone, so that a page never waits for an engine."""

    class Status(models.TextChoices):
        UNKNOWN = "UNKNOWN", "not contacted yet"
        UP = "UP", "up"
        DOWN = "DOWN", "down"

    engine = models.OneToOneField(Engine, on_delete=models.CASCADE, related_name="state")
    status = models.CharField(max_length=8, choices=Status.choices, default=Status.UNKNOWN)
    # Why the engine is down, as one sentence; empty while it is up.
    sentence = models.TextField(blank=True)
    checked_at = models.DateTimeField(null=True)
    seen_at = models.DateTimeField(null=True)
    version = models.CharField(max_length=64, blank=True)
    api_version = models.CharField(max_length=16, blank=True)
    os = models.CharField(max_length=128, blank=True)
    architecture = models.CharField(max_length=32, blank=True)
    cpus = models.PositiveIntegerField(default=0)
    memory_bytes = models.PositiveBigIntegerField(default=0)
    running = models.PositiveIntegerField(default=0)
    paused = models.PositiveIntegerField(default=0)
    stopped = models.PositiveIntegerField(default=0)
    images = models.PositiveIntegerField(default=0)
    # Unix time in nanoseconds of the last event seen: where to resume GET /events.
    since = models.CharField(max_length=32, blank=True)

    def __str__(self) -> str:
        return f"{self.engine}: {self.status}"


class Heartbeat(models.Model):
    """When a process of the console (`worker`, `beat`, `watcher`) last said that it works."""

    name = models.CharField(max_length=32, primary_key=True)
    at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.name} at {self.at}"
