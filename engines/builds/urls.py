"""Pages of builds."""

from django.urls import path

from engines.builds import views

urlpatterns = [path("", views.build, name="image-build")]
