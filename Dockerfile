# docker build --tag trainer . && docker run --rm trainer --epochs=2
ARG BASE_IMAGE=python:3.11.14-slim-bookworm
FROM ${BASE_IMAGE}

WORKDIR /app
COPY setup.py pyproject.toml constraints.txt ./
COPY trainer ./trainer
RUN python -m pip install --no-cache-dir --constraint=constraints.txt .

# A user without rights: the program needs none beyond its output folder.
RUN useradd --create-home trainer
USER trainer
WORKDIR /home/trainer

ENTRYPOINT ["python", "-m", "trainer.task"]
