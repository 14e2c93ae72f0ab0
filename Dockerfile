# syntax=docker/dockerfile:1
# bdgf in its project's folder: docs/how_to/containers.md. DEVICE=cuda takes PyTorch's CUDA build.
ARG PYTHON=3.11
FROM python:${PYTHON}-slim-bookworm

ARG DEVICE=cpu
SHELL ["/bin/bash", "-o", "pipefail", "-c"]
# GDAL in rasterio's wheel loads libexpat. Triton compiles its launcher for a GPU when it runs.
# hadolint ignore=DL3008
RUN case "$DEVICE" in cpu) compiler=() ;; cuda) compiler=(gcc libc6-dev) ;; \
        *) echo "DEVICE is $DEVICE; it may be cpu or cuda" >&2; exit 1 ;; esac \
    && apt-get update \
    && apt-get install --yes --no-install-recommends libexpat1 "${compiler[@]}" \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --create-home --uid 10001 bdgf

WORKDIR /bdgf
COPY pyproject.toml constraints.txt README.md LICENSE .telemetry ./
COPY src src
# PyPI's PyTorch for Linux is the CUDA build; the CPU build is smaller by gigabytes.
RUN --mount=type=cache,target=/root/.cache/pip \
    index=() && if [ "$DEVICE" = cpu ]; then \
        index=(--extra-index-url https://download.pytorch.org/whl/cpu); fi \
    && pip install --disable-pip-version-check --constraint constraints.txt "${index[@]}" \
        --editable '.[cluster]'
COPY conf conf

# What runs write, for the user who is not root. A new volume takes over the owner of its folder.
RUN mkdir -p conf/local data /mlflow /scenes && chown -R bdgf:bdgf data /mlflow
USER 10001
# There is no git in the image: MLflow shall not warn of it at each start.
ENV DO_NOT_TRACK=1 GIT_PYTHON_REFRESH=quiet
CMD ["kedro", "--help"]
