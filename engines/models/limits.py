"""What may be asked of an engine by those below manager."""

from typing import Self

from django.db import models

from engines.models.engine import Engine


class EngineLimits(models.Model):
    """The switches of one engine. An engine without a row has these defaults: nothing that reaches the host."""

    #: The version of limits that nobody has stored yet. A stored row's is higher.
    UNTOUCHED = 0

    engine = models.OneToOneField(Engine, on_delete=models.CASCADE, related_name="limits")
    # Absolute paths of the host, below which bind mounts are allowed.
    host_paths = models.JSONField(default=list, blank=True)
    # Host ports that may be published; whether on other addresses than the host's own 127.0.0.1.
    port_lowest = models.PositiveIntegerField(default=1)
    port_highest = models.PositiveIntegerField(default=65535)
    publish_everywhere = models.BooleanField(default=True)
    memory_required = models.BooleanField(default=True)
    # 0: no cap.
    memory_most_bytes = models.PositiveBigIntegerField(default=0)
    pids_required = models.BooleanField(default=True)
    pids_most = models.PositiveIntegerField(default=0)
    privileged = models.BooleanField(default=False)
    host_namespaces = models.BooleanField(default=False)
    devices = models.BooleanField(default=False)
    # Names without CAP_.
    capabilities = models.JSONField(default=list, blank=True)
    new_privileges = models.BooleanField(default=False)
    # Logs and processes may show secrets.
    logs_need_operator = models.BooleanField(default=False)
    # What terminals show is kept as recordings.
    record_terminals = models.BooleanField(default=False)
    version = models.PositiveIntegerField(default=1)

    def __str__(self) -> str:
        return f"limits of {self.engine}"

    @classmethod
    def of(cls, engine: Engine) -> Self:
        """The switches of `engine`; the defaults, not saved, when nobody has set any."""
        return cls.objects.filter(engine=engine).first() or cls(engine=engine, version=cls.UNTOUCHED)
