"""Pages of images."""

from django.urls import path

from engines.images import views

urlpatterns = [
    path("", views.image_list, name="images"),
    path("pull/", views.pull, name="image-pull"),
]
