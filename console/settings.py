"""Settings, one file. What an operator may set is read through `console.env` and documented in README.md."""

import re
from pathlib import Path

import dj_database_url
from django.core.exceptions import ImproperlyConfigured

from console import env, keyfile, places

BASE_DIR = Path(__file__).resolve().parent.parent

#: Where the database, keys, spool and sockets live.
DATA_DIR = places.private(Path(env.text("PILOTHOUSE_DATA", str(BASE_DIR / "var"))).resolve())
RUN_DIR = places.run_directory(DATA_DIR)
SPOOL_DIR = places.private(DATA_DIR / "spool")
#: What terminals showed, where an engine's limits say that it is kept.
RECORDINGS_DIR = places.private(DATA_DIR / "recordings")

DEBUG = False
SECRET_KEY = keyfile.read_or_create(DATA_DIR / "keys" / "django.key")
#: First key encrypts, all keys decrypt; read anew at each use. Separate from SECRET_KEY so that either can be rotated.
ENCRYPTION_KEYS = keyfile.Ring(DATA_DIR / "keys" / "secrets.key")

#: Under which the audit trail is chained.
AUDIT_KEY = keyfile.read_or_create(DATA_DIR / "keys" / "audit.key")

#: Where the watcher hands every audit entry to, outside the database; empty for nowhere.
AUDIT_FILE = env.text("PILOTHOUSE_AUDIT_FILE", "")
AUDIT_SYSLOG = env.text("PILOTHOUSE_AUDIT_SYSLOG", "")
_SYSLOG = re.fullmatch(r"(?:udp|tcp)://(?:[\w.-]+|\[[0-9a-fA-F:]+\]):(\d{1,5})|unix:///.+", AUDIT_SYSLOG)
if AUDIT_SYSLOG and (_SYSLOG is None or int(_SYSLOG[1] or 1) not in range(1, 1 << 16)):
    raise ImproperlyConfigured("PILOTHOUSE_AUDIT_SYSLOG: udp://host:port, tcp://host:port or unix:///path")

#: Where the web process listens.
BIND = env.text("PILOTHOUSE_BIND", "127.0.0.1")
PORT = env.number("PORT", 8000, least=1)
HOSTS = env.words("PILOTHOUSE_HOSTS", "127.0.0.1,localhost,[::1]")
if "*" in HOSTS:
    raise ImproperlyConfigured("PILOTHOUSE_HOSTS: name the hosts; * would accept forged Host headers")
#: The loopback address stays, for health checks.
ALLOWED_HOSTS = [*HOSTS, "127.0.0.1"]
#: A TLS proxy stands in front: Secure cookies, HSTS, redirect of plain requests.
TLS = env.flag("PILOTHOUSE_TLS", False)
#: How many proxies of ours append to X-Forwarded-For. With 0 the header is ignored.
PROXIES = env.number("PILOTHOUSE_PROXIES", 1 if TLS else 0)
#: Exact origins (scheme, host, port) whose pages may open sockets and post forms.
ORIGINS = env.words("PILOTHOUSE_ORIGINS", "") or [
    *(f"https://{host}" for host in HOSTS if TLS and not host.startswith(".")),
    *(f"http://127.0.0.1:{PORT}", f"http://localhost:{PORT}"),
]
#: Where people find the console, for addresses printed at the start.
PUBLIC_URL = ORIGINS[0]

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "channels",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.usersessions",
    "allauth.socialaccount",
    "allauth.socialaccount.providers.openid_connect",
    "template_partials",
    "engines",
]
MIDDLEWARE = [
    # What every answer carries: also static files, errors, and redirects to https.
    "engines.web.headers.every_answer",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "servestatic.middleware.ServeStaticMiddleware",
    "engines.web.headers.PrivatePages",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "engines.web.origin.RequestOrigin",
    "engines.accounts.sessions.SessionLimits",
    "django.contrib.messages.middleware.MessageMiddleware",
    "allauth.account.middleware.AccountMiddleware",
]
ROOT_URLCONF = "console.urls"
ASGI_APPLICATION = "console.asgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "engines.web.context.page",
            ],
            "builtins": ["engines.web.templatetags.ui", "template_partials.templatetags.partials"],
        },
    }
]

DATABASE_URL = env.text("DATABASE_URL", "")
_SQLITE = {
    "ENGINE": "django.db.backends.sqlite3",
    "NAME": DATA_DIR / "pilothouse.sqlite3",
    "OPTIONS": {
        # IMMEDIATE: a transaction that will write waits for the lock instead of failing half way.
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
    },
}
DATABASES = {"default": dj_database_url.parse(DATABASE_URL) if DATABASE_URL else _SQLITE}
if DATABASE_PASSWORD := env.text("DATABASE_PASSWORD", ""):
    DATABASES["default"]["PASSWORD"] = DATABASE_PASSWORD
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

_REDIS = env.text("REDIS_URL", "")
#: Whether `manage.py up` runs a Redis of its own, without a port, on a socket that only this user can open.
PRIVATE_REDIS = _REDIS == ""
REDIS_URL = _REDIS or f"unix://{RUN_DIR}/redis.sock"
#: `memory://` keeps everything inside one process. For tests: nothing then reaches a worker.
_IN_MEMORY = REDIS_URL == "memory://"
if not _IN_MEMORY and not REDIS_URL.startswith(("unix:///", "redis://", "rediss://")):
    raise ImproperlyConfigured("REDIS_URL: starts with unix:///, redis:// or rediss://")

CHANNEL_LAYERS: dict[str, dict[str, object]] = {
    "default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}
    if _IN_MEMORY
    else {
        "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
        "CONFIG": {"hosts": [REDIS_URL], "prefix": "pilothouse"},
    }
}
CACHES: dict[str, dict[str, object]] = {
    "default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}
    if _IN_MEMORY
    else {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": REDIS_URL,
        "KEY_PREFIX": "pilothouse",
        "OPTIONS": {"serializer": "console.cache.JsonSerializer", "socket_timeout": 5, "socket_connect_timeout": 5},
    }
}

CELERY_BROKER_URL = REDIS_URL.replace("unix://", "redis+socket://", 1)
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None
# kombu waits for ever by default; its blocking read takes one second, so a longer silence is a dead connection.
CELERY_BROKER_TRANSPORT_OPTIONS = {"socket_timeout": 30, "socket_connect_timeout": 5, "socket_keepalive": True}
CELERY_TASK_SERIALIZER = "json"
CELERY_RESULT_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_STORE_ERRORS_EVEN_IF_IGNORED = False
CELERY_TASK_TRACK_STARTED = False
CELERY_TASK_ACKS_LATE = False
CELERY_TASK_DEFAULT_QUEUE = "pilothouse"
# One try after a stale connection: the reconciler sends again what never arrived, and a page must not wait.
CELERY_TASK_PUBLISH_RETRY_POLICY = {"max_retries": 1, "interval_start": 0, "interval_step": 0.2, "interval_max": 0.2}
CELERY_TASK_SEND_SENT_EVENT = False
CELERY_WORKER_SEND_TASK_EVENTS = False
CELERY_WORKER_ENABLE_REMOTE_CONTROL = False
CELERY_WORKER_POOL = "threads"
CELERY_WORKER_CONCURRENCY = 16
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
# Redirected, a thread's traceback would come as one log line per word.
CELERY_WORKER_REDIRECT_STDOUTS = False
CELERY_TIMEZONE = "UTC"
CELERY_BEAT_SCHEDULE_FILENAME = str(DATA_DIR / "beat")
CELERY_BEAT_SCHEDULE = {
    "housekeeping": {"task": "engines.operations.tasks.housekeeping", "schedule": 3600.0, "options": {"expires": 3600}},
}

#: Make the first administrator at the start, when there is none.
ADMIN_USERNAME = env.text("PILOTHOUSE_ADMIN_USERNAME", "")
ADMIN_PASSWORD = env.text("PILOTHOUSE_ADMIN_PASSWORD", "")
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
PASSWORD_HASHERS = ["engines.accounts.passwords.Hasher"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "engines.accounts.passwords.LengthValidator"},
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"
ACCOUNT_ADAPTER = "engines.accounts.adapter.Adapter"
ACCOUNT_FORMS = {
    "login": "engines.accounts.forms.OwnLoginForm",
    "change_password": "engines.accounts.forms.OwnPasswordForm",
    "reauthenticate": "engines.accounts.forms.OwnConfirmForm",
}
MFA_ADAPTER = "engines.accounts.adapter.FactorAdapter"
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_FORMS = {
    "authenticate": "engines.accounts.factor_forms.OwnAuthenticateForm",
    "reauthenticate": "engines.accounts.factor_forms.OwnReauthenticateForm",
    "activate_totp": "engines.accounts.factor_forms.OwnActivateForm",
    "authenticate_webauthn": "engines.accounts.factor_forms.OwnPasskeyStepForm",
    "reauthenticate_webauthn": "engines.accounts.factor_forms.OwnPasskeyConfirmForm",
    "add_webauthn": "engines.accounts.factor_forms.OwnPasskeyForm",
    "login_webauthn": "engines.accounts.factor_forms.PasskeyLoginForm",
}
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_RECOVERY_CODES_SHOW_ONCE = True
MFA_TOTP_TOLERANCE = 0
# @recent_login asks instead, by one rule for all sensitive pages.
MFA_REAUTHENTICATION_REQUIRED = False
MFA_RATE_LIMITS = {"webauthn_login": "30/m/ip"}
ACCOUNT_LOGIN_METHODS = {"username"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "password1*", "password2*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_EMAIL_NOTIFICATIONS = False
ACCOUNT_LOGIN_ON_GET = ACCOUNT_LOGOUT_ON_GET = False
ACCOUNT_SESSION_REMEMBER = True
ACCOUNT_LOGOUT_REDIRECT_URL = "account_login"
ACCOUNT_LOGOUT_ON_PASSWORD_CHANGE = False
ACCOUNT_RATE_LIMITS = {"login": "60/m/ip", "login_failed": "10/m/ip,5/5m/key", "change_password": "5/m/user"}
ALLAUTH_TRUSTED_PROXY_COUNT = PROXIES

#: Single sign-on with one OpenID Connect provider; empty for none.
OIDC_ISSUER = env.text("PILOTHOUSE_OIDC_ISSUER", "")
OIDC_CLIENT_ID = env.text("PILOTHOUSE_OIDC_CLIENT_ID", "")
OIDC_CLIENT_SECRET = env.text("PILOTHOUSE_OIDC_CLIENT_SECRET", "")
OIDC_NAME = env.text("PILOTHOUSE_OIDC_NAME", "single sign-on")
OIDC_GROUPS_CLAIM = env.text("PILOTHOUSE_OIDC_GROUPS_CLAIM", "groups")
OIDC_REQUIRED_GROUP = env.text("PILOTHOUSE_OIDC_REQUIRED_GROUP", "")
OIDC_DEFAULT_TEAM = env.text("PILOTHOUSE_OIDC_DEFAULT_TEAM", "")
_OIDC = (OIDC_ISSUER, OIDC_CLIENT_ID, OIDC_CLIENT_SECRET)
if any(_OIDC) and not all(_OIDC):
    raise ImproperlyConfigured("PILOTHOUSE_OIDC_ISSUER, _CLIENT_ID and _CLIENT_SECRET: set all three, or none")
if OIDC_ISSUER and not re.fullmatch(
    r"https://[^@\s]{1,180}|http://(127\.0\.0\.1|localhost)(:\d+)?(/[^@\s]*)?", OIDC_ISSUER
):
    raise ImproperlyConfigured("PILOTHOUSE_OIDC_ISSUER: starts with https://, exactly as the provider writes it")
SOCIALACCOUNT_ADAPTER = "engines.accounts.sso.SignOn"
SOCIALACCOUNT_STORE_TOKENS = False
_OIDC_APP = {
    "provider_id": OIDC_ISSUER,
    "name": OIDC_NAME,
    "client_id": OIDC_CLIENT_ID,
    "secret": OIDC_CLIENT_SECRET,
    "settings": {"server_url": OIDC_ISSUER.rstrip("/"), "oauth_pkce_enabled": True},
}
SOCIALACCOUNT_PROVIDERS = {"openid_connect": {"APPS": [_OIDC_APP] if OIDC_ISSUER else []}}

SESSION_ENGINE = "django.contrib.sessions.backends.db"
#: Seconds after which a login ends, however busy; and after which it ends when no request comes.
SESSION_COOKIE_AGE = env.number("PILOTHOUSE_SESSION_SECONDS", 12 * 60 * 60, least=60)
SESSION_IDLE_SECONDS = env.number("PILOTHOUSE_IDLE_SECONDS", 60 * 60, least=60)
#: Seconds after which a terminal ends to which nothing is typed.
TERMINAL_IDLE_SECONDS = env.number("PILOTHOUSE_TERMINAL_IDLE_SECONDS", 15 * 60, least=10)
# __Host-: the browser refuses such a cookie from a sibling domain or without TLS.
SESSION_COOKIE_NAME = "__Host-sid" if TLS else "pilothouse_sid"
CSRF_COOKIE_NAME = "__Host-csrf" if TLS else "pilothouse_csrf"
SESSION_COOKIE_HTTPONLY = CSRF_COOKIE_HTTPONLY = True
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = TLS
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
CSRF_TRUSTED_ORIGINS = ORIGINS
CSRF_FAILURE_VIEW = "engines.web.forged.refused"
SECURE_SSL_REDIRECT = TLS
SECURE_REDIRECT_EXEMPT = ["^healthz$", "^readyz$"]
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if TLS else None
SECURE_HSTS_SECONDS = 365 * 24 * 60 * 60 if TLS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = TLS
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
# W009 wants 50 characters; ours are 44 that stand for 32 random bytes. W021: to be in browsers' preload lists is the
# domain owner's decision.
SILENCED_SYSTEM_CHECKS = ["security.W009", "security.W021"]

#: Offered as the first engine, when it answers. Nothing else reads DOCKER_HOST.
LOCAL_ENGINE = env.text("DOCKER_HOST", "unix:///var/run/docker.sock")
#: Bytes of the largest request: a build context.
UPLOAD_BYTES = env.number("PILOTHOUSE_UPLOAD_BYTES", 2 * 1024**3, least=1024)
DATA_UPLOAD_MAX_MEMORY_SIZE = 2 * 1024**2
DATA_UPLOAD_MAX_NUMBER_FIELDS = 500
DATA_UPLOAD_MAX_NUMBER_FILES = 10
# Straight to disk, so that memory never grows with what is sent.
FILE_UPLOAD_HANDLERS = ["django.core.files.uploadhandler.TemporaryFileUploadHandler"]
FILE_UPLOAD_TEMP_DIR = places.private(SPOOL_DIR / "uploads")

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "{levelname} {name}: {message}", "style": "{"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["stderr"], "level": env.text("PILOTHOUSE_LOG_LEVEL", "WARNING").upper()},
    # Django's own set-up mails errors and prints only while debugging.
    "loggers": {
        "django": {"handlers": [], "level": "NOTSET", "propagate": True},
        # Anybody can send a Host that is not ours: refused with 400, and no reason for a trace in the log each time.
        "django.security.DisallowedHost": {"handlers": [], "level": "CRITICAL"},
    },
}

USE_TZ = True
TIME_ZONE = "UTC"
LANGUAGE_CODE = "en"
STATIC_URL = "/static/"
SERVESTATIC_ALLOW_ALL_ORIGINS = False
_STATIC = env.text("PILOTHOUSE_STATIC", "")
#: Whether the static files were gathered beforehand, as in the image.
STATIC_COLLECTED = _STATIC != ""
STATIC_ROOT = Path(_STATIC) if STATIC_COLLECTED else DATA_DIR / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
STATICFILES_FINDERS = ["django.contrib.staticfiles.finders.FileSystemFinder", "console.assets.VendorFinder"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "console.assets.HashedStorage"},
}
