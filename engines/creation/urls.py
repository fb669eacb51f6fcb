"""Pages on which containers are made."""

from django.urls import path

from engines.creation import as_views
from engines.creation import views as create_views

urlpatterns = [
    path("create/", create_views.create, name="container-create"),
    path("create/preview/", create_views.preview, name="container-create-preview"),
    path("create/paste/", create_views.paste, name="container-create-paste"),
    path("create/images/", create_views.images, name="container-create-images"),
    path("<str:container>/duplicate/", create_views.duplicate, name="container-duplicate"),
    path("<str:container>/as/", as_views.container_as, name="container-as"),
]
