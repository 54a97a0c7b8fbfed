"""Writes `job_messages.pb` from the installed google-cloud-aiplatform: run it when that has a new field.

.venv/bin/python -m tests.study.config.make_messages
"""

from pathlib import Path
from typing import Any

FILE = Path(__file__).parents[3] / "trainer" / "study" / "config" / "job_messages.pb"


def descriptors() -> dict[str, Any]:
    """Returns the definitions of a tuning job and of all that it is made of, by file, in the order they need."""
    from google.cloud.aiplatform_v1.types import HyperparameterTuningJob
    from google.protobuf.descriptor_pb2 import FileDescriptorProto

    found: dict[str, Any] = {}

    def add(file: Any) -> None:
        if file.name not in found:
            for needed in sorted(file.dependencies, key=lambda other: other.name):
                add(needed)
            found[file.name] = FileDescriptorProto()
            file.CopyToProto(found[file.name])
            found[file.name].dependency.sort()  # which the client makes in another order each time

    add(HyperparameterTuningJob.pb().DESCRIPTOR.file)
    return found


if __name__ == "__main__":
    from google.protobuf.descriptor_pb2 import FileDescriptorSet

    FILE.write_bytes(FileDescriptorSet(file=descriptors().values()).SerializeToString(deterministic=True))
    print(f"{FILE}: {FILE.stat().st_size:,} bytes")
