# The service, without torch. The trainer's image is made by trainer/Dockerfile.
# Another base, or this one by its digest: --build-arg PYTHON_IMAGE=python:3.13-slim@sha256:…
ARG PYTHON_IMAGE=python:3.13-slim

FROM ${PYTHON_IMAGE} AS build
WORKDIR /build
RUN python -m venv --without-pip /venv
COPY requirements.txt ./
# What the service needs stands in a layer of its own, which a change of the code leaves as it is. Every file that is
# installed has one of the hashes of requirements.txt, the build backend's among them.
RUN pip --python /venv/bin/python install --no-cache-dir --no-compile --only-binary :all: --require-hashes \
        --requirement requirements.txt
COPY pyproject.toml README.md LICENSE ./
COPY konkyo konkyo
COPY models models
COPY service service
COPY trainer trainer
# What a service never runs goes: the tests and stubs of packages. The bytecode of all others is made here, so that no
# start needs to make it.
RUN pip --python /venv/bin/python install --no-cache-dir --no-compile --no-deps --no-build-isolation . && \
    pip --python /venv/bin/python uninstall --yes setuptools && \
    find /venv -type d \( -name tests -o -name __pycache__ \) -prune -exec rm -r {} + && \
    find /venv -name '*.pyi' -delete && \
    python -m compileall -q /venv/lib

FROM ${PYTHON_IMAGE}
LABEL org.opencontainers.image.title="Konkyo" \
      org.opencontainers.image.description="Asks a small CNN why it predicted what it did, and answers exactly." \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.version="1.0.0"
RUN useradd --uid 10001 --no-create-home --shell /usr/sbin/nologin konkyo
COPY --from=build /venv /venv
USER konkyo
# Memory of a megabyte and more goes back to the system as soon as it is free.
ENV PATH=/venv/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 MALLOC_MMAP_THRESHOLD_=1048576 KONKYO_HOST=0.0.0.0
EXPOSE 8000
HEALTHCHECK --interval=5s --timeout=3s --start-period=60s \
    CMD ["python", "-m", "konkyo.service.healthcheck"]
CMD ["konkyo", "serve"]
