"""Guessing is slowed only while guesses can be counted."""

from collections.abc import Callable
from functools import wraps
from http import HTTPStatus
from typing import Any

from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import render
from redis.exceptions import RedisError

View = Callable[..., HttpResponseBase]


def counted(view: View) -> View:
    """503 while failed attempts cannot be counted, since unlimited guessing would be worse."""

    @wraps(view)
    def answer(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        try:
            return view(request, *args, **kwargs)
        except RedisError:
            return render(request, "accounts/unavailable.html", status=HTTPStatus.SERVICE_UNAVAILABLE)

    return answer
