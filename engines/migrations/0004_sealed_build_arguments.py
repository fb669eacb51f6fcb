"""Build arguments of operations were kept in clear."""

import json

from django.conf import settings
from django.db import migrations

from engines import secrets


def seal(apps, schema_editor):
    operations = apps.get_model("engines", "Operation").objects.using(schema_editor.connection.alias)
    for operation in operations.filter(kind="image.build").only("spec").iterator(chunk_size=500):
        arguments = operation.spec.get("build_args")
        if isinstance(arguments, dict):
            place = f"operation.{operation.pk}.build_args"
            operation.spec["build_args"] = secrets.encrypt(
                json.dumps(arguments), place=place, keys=settings.ENCRYPTION_KEYS
            )
            operation.save(update_fields=["spec"])


class Migration(migrations.Migration):

    dependencies = [
        ("engines", "0003_audit"),
    ]

    operations = [
        migrations.RunPython(seal, migrations.RunPython.noop, elidable=False),
    ]
