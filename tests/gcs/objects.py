"""Buckets and what is in them, under the service's rules; no HTTP."""

import threading
import time
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from tests.gcs import refusals
from tests.gcs.conditions import Conditions
from tests.gcs.content import Content, settings_of
from tests.gcs.limit import unlimited
from tests.gcs.object import NO_CONDITIONS, Object, Source
from tests.gcs.refusals import Refused

MOST_SOURCES = 32  # of one compose: https://cloud.google.com/storage/quotas#objects
MOST_NAME = 1024  # bytes of UTF-8
MOST_LISTED = 1000  # objects and prefixes on a page
Changed = Callable[[str, str, bytes | None], None]


@dataclass(frozen=True)
class Page:
    """A part of a listing; `last` is the name or prefix after which the next page begins, None on the last one."""

    objects: list[Object]
    prefixes: list[str]
    last: str | None


def ignore(bucket: str, name: str, content: bytes | None) -> None:
    """Takes no notice of a change."""


class Store:
    """Buckets of objects. Every method may be called from any thread, and raises `Refused` as the service would.

    Args:
      buckets: names of those there are at first.
      limit: called with the bucket and the name before each write is committed; raises to refuse it.
      changed: called with the bucket, the name and what is now there (None: nothing) after each change.
      now: the time of day in seconds since the epoch.
    """

    def __init__(
        self,
        buckets: Iterable[str] = (),
        limit: Callable[[str, str], None] = unlimited,
        changed: Changed = ignore,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._lock = threading.RLock()
        self._limit = limit
        self._changed = changed
        self._now = now
        self._buckets: dict[str, dict[str, Object]] = {name: {} for name in buckets}
        self._granted: dict[str, frozenset[str] | None] = {}
        self._generation = 0

    def add_bucket(self, name: str) -> None:
        """Makes a bucket."""
        with self._lock:
            if name in self._buckets:
                raise Refused(409, "Your previous request to create the named bucket succeeded and you already own it.")
            self._buckets[name] = {}

    def grant(self, bucket: str, permissions: Collection[str] | None) -> None:
        """Lets callers do in a bucket only what these permissions say; None is everything, as at first."""
        with self._lock:
            self._objects(bucket)
            self._granted[bucket] = None if permissions is None else frozenset(permissions)

    def allows(self, bucket: str, permission: str) -> bool:
        """Returns whether a permission is granted in a bucket."""
        with self._lock:
            self._objects(bucket)
            granted = self._granted.get(bucket)
            return granted is None or permission in granted

    def require(self, bucket: str, permission: str, kind: str = "object") -> None:
        """Raises `Refused` unless a permission is granted in a bucket, or where there is no such bucket."""
        if not self.allows(bucket, permission):
            raise refusals.no_permission(permission, kind)

    def peek(self, bucket: str, name: str) -> Object | None:
        """Returns an object whatever is granted; None where there is none."""
        with self._lock:
            return self._objects(bucket).get(name)

    def contents(self, bucket: str) -> dict[str, bytes]:
        """Returns everything in a bucket whatever is granted."""
        with self._lock:
            return {name: one.content.data for name, one in sorted(self._objects(bucket).items())}

    def get(self, bucket: str, source: Source) -> Object:
        """Returns an object, its content and all that is said of it."""
        with self._lock:
            self.require(bucket, "storage.objects.get")
            if source.name not in self._objects(bucket):  # who may not list may not learn that it is missing
                self.require(bucket, "storage.objects.list")
            return self._read(bucket, source, reading=True)

    def may_insert(self, bucket: str, name: str, conditions: Conditions) -> None:
        """Raises `Refused` where an insert would be refused now, whatever its content."""
        with self._lock:
            now = self.peek(bucket, name)
            if not 1 <= len(name.encode()) <= MOST_NAME or set(name) & {"\r", "\n"} or name in (".", ".."):
                raise Refused(400, f"Invalid object name: {name!r}")
            self.require(bucket, "storage.objects.create")
            if now is not None:
                self.require(bucket, "storage.objects.delete")
            conditions.check(now)

    def insert(
        self,
        bucket: str,
        name: str,
        content: Content,
        settings: Mapping[str, Any],
        conditions: Conditions = NO_CONDITIONS,
    ) -> Object:
        """Writes an object, whole or not at all, and returns it."""
        with self._lock:
            self.may_insert(bucket, name, conditions)
            content.check(settings)
            return self._commit(bucket, name, content, settings_of(settings))

    def compose(
        self,
        bucket: str,
        name: str,
        sources: list[Source],
        settings: Mapping[str, Any],
        conditions: Conditions = NO_CONDITIONS,
    ) -> Object:
        """Writes an object that is others of the same bucket one after another, and returns it."""
        if not 1 <= len(sources) <= MOST_SOURCES:
            raise Refused(
                400, f"The number of source components provided ({len(sources)}) must be from 1 to {MOST_SOURCES}."
            )
        with self._lock:
            self.require(bucket, "storage.objects.get")
            self.may_insert(bucket, name, conditions)
            parts = [self._read(bucket, source) for source in sources]
            content = Content.joined(part.content for part in parts)
            content.check(settings)
            return self._commit(bucket, name, content, settings_of(settings))

    def copy(
        self,
        bucket: str,
        source: Source,
        to_bucket: str,
        to_name: str,
        settings: Mapping[str, Any] | None,
        conditions: Conditions = NO_CONDITIONS,
    ) -> Object:
        """Writes a copy of an object, with `settings` in place of its own where they are given, and returns it."""
        with self._lock:
            self.require(bucket, "storage.objects.get")
            self.may_insert(to_bucket, to_name, conditions)
            one = self._read(bucket, source)
            return self._commit(to_bucket, to_name, one.content, settings_of(settings or one.settings))

    def patch(self, bucket: str, source: Source, changes: Mapping[str, Any]) -> Object:
        """Changes what is said of an object and returns it; a key whose value is None is taken away."""
        with self._lock:
            self.require(bucket, "storage.objects.update")
            one = self._read(bucket, source)
            merged = {**one.settings, **changes}
            if changes.get("metadata") is not None:
                merged["metadata"] = {**one.settings.get("metadata", {}), **changes["metadata"]}
            settings = settings_of(merged)
            self._limit(bucket, one.name)
            changed = replace(one, settings=settings, metageneration=one.metageneration + 1, updated=self._now())
            self._buckets[bucket][one.name] = changed
            return changed

    def delete(self, bucket: str, source: Source) -> None:
        """Deletes an object."""
        with self._lock:
            self.require(bucket, "storage.objects.delete")
            self._read(bucket, source)
            self._limit(bucket, source.name)
            self.remove(bucket, source.name)

    def remove(self, bucket: str, name: str) -> None:
        """Deletes an object whatever is granted, and how soon after whatever else."""
        with self._lock:
            if self._objects(bucket).pop(name, None) is None:
                raise refusals.no_object(bucket, name)
            self._changed(bucket, name, None)

    def put(self, bucket: str, name: str, data: bytes) -> Object:
        """Writes an object whatever is granted, and how soon after whatever else."""
        with self._lock:
            self._objects(bucket)
            return self._write(bucket, name, Content.of(data), {})

    def list(self, bucket: str, prefix: str, delimiter: str, after: str, most: int) -> Page:
        """Returns the next `most` names and prefixes after `after`, in the order of their UTF-8 bytes."""
        with self._lock:
            self.require(bucket, "storage.objects.list", "bucket")
            here = self._objects(bucket)
            entries: dict[str, Object | None] = {}
            for name in sorted((name for name in here if name.startswith(prefix)), key=str.encode):
                end = name.find(delimiter, len(prefix)) if delimiter else -1
                entries[name if end < 0 else name[: end + len(delimiter)]] = here[name] if end < 0 else None
            rest = [entry for entry in entries if entry.encode() > after.encode()]
            shown = rest[: min(most, MOST_LISTED)]
            objects = [one for entry in shown if (one := entries[entry]) is not None]
            prefixes = [entry for entry in shown if entries[entry] is None]
            return Page(objects, prefixes, shown[-1] if len(rest) > len(shown) else None)

    def _objects(self, bucket: str) -> dict[str, Object]:
        if bucket not in self._buckets:
            raise refusals.no_bucket()
        return self._buckets[bucket]

    def _read(self, bucket: str, source: Source, *, reading: bool = False) -> Object:
        """Returns the object that is meant; refuses where it is another generation or breaks a precondition."""
        one = self._objects(bucket).get(source.name)
        if one is None or source.generation not in (None, one.generation):
            raise refusals.no_object(bucket, source.name)
        source.conditions.check(one, reading=reading)
        return one

    def _commit(self, bucket: str, name: str, content: Content, settings: Mapping[str, Any]) -> Object:
        self._limit(bucket, name)
        return self._write(bucket, name, content, settings)

    def _write(self, bucket: str, name: str, content: Content, settings: Mapping[str, Any]) -> Object:
        now = self._now()
        self._generation = max(self._generation + 1, int(now * 1e6))  # the service's are microseconds too
        one = Object(bucket, name, content, settings, self._generation, 1, now, now)
        self._buckets[bucket][name] = one
        self._changed(bucket, name, content.data)
        return one
