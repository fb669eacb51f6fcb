"""Pages of a container's files, below the engine's containers. The path inside is a parameter of the query."""

from django.urls import path

from engines.files import views, write_views

urlpatterns = [
    path("<str:container>/files/", views.browse, name="container-files"),
    path("<str:container>/files/edit/", write_views.edit, name="container-file-edit"),
    path("<str:container>/files/download/", views.take, name="container-file-download"),
    path("<str:container>/files/upload/", write_views.upload, name="container-file-upload"),
    path("<str:container>/files/new-folder/", write_views.new_folder, name="container-folder-new"),
    path("<str:container>/files/rename/", write_views.rename, name="container-file-rename"),
    path("<str:container>/files/delete/", write_views.delete, name="container-file-delete"),
    path("<str:container>/changes/", views.changes, name="container-changes"),
    path("<str:container>/changes/text/", views.changes_text, name="container-changes-text"),
    path("<str:container>/export/", views.export, name="container-export"),
    path("<str:container>/export/download/", views.export_all, name="container-export-download"),
]
