"""Django's record of this app."""

from django.apps import AppConfig
from django.db.models.signals import post_migrate


class EnginesConfig(AppConfig):
    name = "engines"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from engines.accounts import noted  # noqa: PLC0415 (needs the models)

        post_migrate.connect(_audit_trail_ready, sender=self)
        noted.connect()


def _audit_trail_ready(using: str, **_: object) -> None:
    from engines.models import AuditHead  # noqa: PLC0415 (models are not loaded yet above)
    from engines.trail import append_only, index  # noqa: PLC0415

    append_only.install(using)
    index.install(using)
    AuditHead.objects.using(using).get_or_create(pk=1)
