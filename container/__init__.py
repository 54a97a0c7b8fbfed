"""Builds the container image with docker, podman or buildah: `make image`."""
