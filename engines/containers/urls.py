"""Pages of containers."""

from django.urls import path

from engines.containers import list_views, prune_views, views

urlpatterns = [
    path("", list_views.container_list, name="containers"),
    path("bulk/", list_views.bulk, name="container-bulk"),
    path("prune/", prune_views.prune_page, name="container-prune"),
    path("columns/", list_views.columns, name="container-columns"),
    path("<str:container>/", views.container_page, name="container"),
    path("<str:container>/head/", views.container_head, name="container-head"),
    path("<str:container>/start/", views.start, name="container-start"),
    path("<str:container>/stop/", views.stop, name="container-stop"),
    path("<str:container>/restart/", views.restart, name="container-restart"),
    path("<str:container>/kill/", views.kill, name="container-kill"),
    path("<str:container>/pause/", views.pause, name="container-pause"),
    path("<str:container>/unpause/", views.unpause, name="container-unpause"),
    path("<str:container>/remove/", views.remove, name="container-remove"),
]
