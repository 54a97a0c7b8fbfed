# Trains, tunes and serves, as a user without rights. `docker build --tag trainer .` suffices; `make image` builds it
# with whatever builder is there. docs/image.md says how it is used.
#
# 2.1 GB, 757 MB to fetch, of which a change in trainer/ alone sends 1 MB. In MiB: TensorFlow 1,441, its
# libtensorflow_cc alone 1,046; SciPy 108, NumPy 55, scikit-learn 33, SQLAlchemy, which Optuna needs, 28, Keras 27; all
# compiled modules together 126, without which every start takes 6 s longer; Debian and Python 115. 513 are left out
# below. Left in are the 220 of symbols in libtensorflow_cc, for no wheel's library is changed here, and some 600 of
# kernels for GPUs, that tensorflow-cpu has not: it is another distribution than the one that the tests run on, and the
# GPU variant needs them.

# An exact version of Python. A tag and no digest, for it is built again with Debian's security updates.
ARG BASE_IMAGE=python:3.11.17-slim-bookworm

FROM ${BASE_IMAGE} AS tools
# A mirror of one's own; this stage is left behind, and what it was told with it.
ARG PIP_INDEX_URL=""
# pip has an environment of its own, so that none is in the image's. 1000 is most often who owns a folder that is
# mounted; whoever --user names instead may write at home too, as in /tmp.
RUN python3 -m venv /opt/pip && python3 -m venv --without-pip /opt/trainer \
    && useradd --uid=1000 --home-dir=/home/trainer --no-create-home trainer && mkdir --mode=1777 /home/trainer
ENV PATH=/opt/pip/bin:$PATH \
    PIP_PYTHON=/opt/trainer/bin/python \
    PIP_NO_CACHE_DIR=1 \
    PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_ROOT_USER_ACTION=ignore
WORKDIR /source
COPY constraints.txt ./
# TensorFlow needs these two at run time, and here they build the package.
RUN pip install --no-compile --only-binary=:all: --constraint=constraints.txt setuptools wheel

FROM tools AS dependencies
ARG EXTRAS=serve
COPY setup.py ./
# setup.py alone is a package without modules: its dependencies come, at the versions of constraints.txt, and this
# layer stays what it is while trainer/ changes. cloudml-hypertune is published as source alone; anything else that is
# not a wheel would need a compiler, and is refused.
RUN pip install --no-compile --only-binary=:all: --no-binary=cloudml-hypertune --no-build-isolation \
        --constraint=constraints.txt ".[${EXTRAS}]" \
    && pip check \
    && pip uninstall --yes convolution-trainer
WORKDIR /opt/trainer/lib
# What nothing reads at run time: headers for operations of one's own, 393 MB; clang, which reads C++, 61; the tests of
# three packages, 59. Modules are compiled for a user that cannot write beside them, and whatever their dates.
RUN rm -r python3*/site-packages/tensorflow/include python3*/site-packages/clang/native \
    && find python3*/site-packages/numpy python3*/site-packages/scipy python3*/site-packages/sklearn \
        -name tests -type d -prune -exec rm -r {} + \
    && /opt/trainer/bin/python -m compileall -q -j 0 --invalidation-mode=unchecked-hash .

FROM tools AS package
COPY setup.py pyproject.toml LICENSE ./
COPY trainer ./trainer
RUN pip install --no-compile --no-index --no-deps --no-build-isolation --prefix=/package . \
    && /opt/trainer/bin/python -m compileall -q --invalidation-mode=unchecked-hash /package

FROM ${BASE_IMAGE}
ARG BASE_IMAGE
LABEL org.opencontainers.image.title="trainer" \
      org.opencontainers.image.description="Trains, tunes and serves convolutional networks with Keras" \
      org.opencontainers.image.version="0.1.0" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.base.name="${BASE_IMAGE}"
# Nothing is run here: of what a builder lends to a run, such as a pip.conf, an empty file would stay.
COPY --from=tools /etc/passwd /etc/group /etc/
COPY --from=tools /home /home
COPY --from=dependencies /opt/trainer /opt/trainer
COPY --from=package /package /opt/trainer
WORKDIR /home/trainer
COPY config.networks.yaml config.yaml ./
# The driver is no part of an image: Google's machines mount it at this path, NVIDIA's toolkit what these two say of it.
ENV PATH=/opt/trainer/bin:$PATH \
    HOME=/home/trainer \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    LD_LIBRARY_PATH=/usr/local/nvidia/lib64 \
    NVIDIA_VISIBLE_DEVICES=all \
    NVIDIA_DRIVER_CAPABILITIES=compute,utility
# By number, so that Kubernetes can tell that it is not root.
USER 1000

EXPOSE 8080
ENTRYPOINT ["python", "-m", "trainer.task"]
