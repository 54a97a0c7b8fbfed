# docker build --tag trainer . && docker run --rm trainer --epochs=2
# It serves too: docker run --rm -p 8080:8080 --entrypoint python trainer -m trainer.serve --host=0.0.0.0 --model=gs://…
ARG BASE_IMAGE=python:3.11.14-slim-bookworm
FROM ${BASE_IMAGE}

WORKDIR /app
COPY setup.py pyproject.toml constraints.txt ./
COPY trainer ./trainer
RUN python -m pip install --no-cache-dir --constraint=constraints.txt ".[serve]"

# A user without rights: the program needs none beyond its output folder.
RUN useradd --create-home trainer
USER trainer
WORKDIR /home/trainer

EXPOSE 8080
ENTRYPOINT ["python", "-m", "trainer.task"]
