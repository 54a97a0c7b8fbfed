"""How the container image is built on a machine with docker, podman or buildah: `make image`."""
