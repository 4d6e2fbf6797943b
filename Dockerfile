# The modern stack, for a user who is not root. CPU by default:
#   docker build -t headstart .
#   docker build -t headstart --build-arg ACCELERATOR=gpu .        (then: docker run --gpus all …)
# It holds a copy of this project; mount a clone of yours over it:
#   docker run --rm -v "$PWD:/project" --user "$(id -u):$(id -g)" headstart doctor
#   docker run --rm -v "$PWD:/project" --user "$(id -u):$(id -g)" --entrypoint dvc headstart repro
# For x86-64: TFX has no packages for Linux on arm64.

FROM python:3.12-slim-trixie AS packages
# pyfarmhash comes as source alone.
RUN apt-get update \
 && apt-get install --yes --no-install-recommends g++ \
 && rm -rf /var/lib/apt/lists/*
WORKDIR /build
COPY requirements/ requirements/
RUN python3 -m venv /opt/tools \
 && /opt/tools/bin/pip install --no-cache-dir --require-hashes --requirement requirements/tools.txt
ARG ACCELERATOR=cpu
RUN set -eu; \
    case "$ACCELERATOR" in \
      cpu) set -- requirements/py312.txt ;; \
      gpu) set -- requirements/py312.txt requirements/py312-gpu.txt ;; \
      *) echo "ACCELERATOR is cpu or gpu, not $ACCELERATOR" >&2; exit 1 ;; \
    esac; \
    /opt/tools/bin/uv venv --python python3 /opt/venv; \
    /opt/tools/bin/uv pip sync --no-cache --compile-bytecode --python /opt/venv --require-hashes "$@"

FROM python:3.12-slim-trixie
RUN apt-get update \
 && apt-get install --yes --no-install-recommends git libgomp1 \
 && rm -rf /var/lib/apt/lists/* \
 # A mounted clone belongs to another user, which git refuses unless told.
 && git config --system --add safe.directory /project \
 && useradd --create-home --uid 1000 headstart \
 # With --user the home is another's: caches must still find room.
 && chmod 1777 /home/headstart \
 && install --directory --owner=headstart --group=headstart /project
COPY --from=packages /opt/venv /opt/venv
# The locked setuptools builds the project: nothing is fetched.
ENV PATH=/opt/venv/bin:$PATH \
    HOME=/home/headstart \
    MLFLOW_DISABLE_TELEMETRY=true \
    DVC_NO_ANALYTICS=true \
    NVIDIA_DRIVER_CAPABILITIES=compute,utility
WORKDIR /project
COPY --chown=headstart:headstart . .
RUN --mount=from=packages,source=/opt/tools,target=/opt/tools \
    /opt/tools/bin/uv pip install --no-cache --python /opt/venv --no-deps --no-build-isolation --editable . \
 # The copy has no .git; a mounted clone brings its own .dvc/ and with it its history.
 && dvc config --local core.no_scm true \
 && chown -R headstart:headstart /project
USER headstart
VOLUME /project
ENTRYPOINT ["headstart"]
CMD ["--help"]
