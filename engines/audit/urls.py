"""The pages of the audit trail."""

from django.urls import path

from engines.audit import views

urlpatterns = [
    path("audit/", views.audit_list, name="audit"),
    path("audit/<int:seq>/", views.audit_act, name="audit-act"),
    path("audit/export.csv", views.export_csv, name="audit-csv"),
    path("audit/export.jsonl", views.export_json, name="audit-jsonl"),
    path("engines/<slug:slug>/audit/", views.engine_audit, name="engine-audit"),
    path("engines/<slug:slug>/audit/<int:seq>/", views.engine_audit_act, name="engine-audit-act"),
]
