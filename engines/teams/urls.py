"""Pages about teams and grants."""

from django.urls import path

from engines.teams import views

urlpatterns = [
    path("teams/", views.teams, name="teams"),
    path("teams/add/", views.add, name="team-add"),
    path("teams/<int:team>/", views.detail, name="team"),
    path("teams/<int:team>/edit/", views.edit, name="team-edit"),
    path("teams/<int:team>/delete/", views.delete, name="team-delete"),
    path("teams/<int:team>/members/add/", views.add_member, name="team-member-add"),
    path("teams/<int:team>/members/<int:person>/remove/", views.remove_member, name="team-member-remove"),
    path("grants/add/", views.grant, name="grant-add"),
    path("grants/<int:grant>/edit/", views.regrant, name="grant-edit"),
    path("grants/<int:grant>/remove/", views.withdraw, name="grant-remove"),
    path("engines/<slug:slug>/access/", views.reach, name="engine-access"),
]
