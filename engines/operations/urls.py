"""Pages of operations."""

from django.urls import path

from engines.operations import views

urlpatterns = [
    path("", views.operation_list, name="operations"),
    path("indicator/", views.indicator, name="operations-indicator"),
    path("<uuid:pk>/", views.operation_page, name="operation"),
    path("<uuid:pk>/log.txt", views.log_text, name="operation-log"),
    path("<uuid:pk>/cancel/", views.cancel, name="operation-cancel"),
    path("<uuid:pk>/repeat/", views.repeat, name="operation-repeat"),
]
