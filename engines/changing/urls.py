"""Pages that change one container, or make another of it."""

from django.urls import path

from engines.changing import edit_views
from engines.changing import views as change_views

urlpatterns = [
    path("<str:container>/edit/", edit_views.edit, name="container-edit"),
    path("<str:container>/recreate/", edit_views.recreate, name="container-recreate"),
    path("<str:container>/return/", edit_views.give_back, name="container-return"),
    path("<str:container>/rename/", change_views.rename, name="container-rename"),
    path("<str:container>/limits/", change_views.limits, name="container-limits"),
    path("<str:container>/networks/", change_views.networks, name="container-networks"),
    path("<str:container>/networks/connect/", change_views.connect, name="container-connect"),
    path("<str:container>/networks/disconnect/", change_views.disconnect, name="container-disconnect"),
    path("<str:container>/commit/", change_views.commit, name="container-commit"),
    path("<str:container>/wait/", change_views.wait, name="container-wait"),
]
