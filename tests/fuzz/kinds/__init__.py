"""What reads what people write, by name."""

from collections.abc import Mapping

from tests.fuzz.case import Make
from tests.fuzz.kinds import buckets, configs, data, images, records, words

KINDS: Mapping[str, Make] = {
    "buckets": buckets.objects,
    "cluster": words.cluster,
    "config": configs.config,
    "data": data.load,
    "environment": words.environment,
    "flags": words.flags,
    "headers": images.header,
    "images": images.decoded,
    "listing": data.list_and_write,
    "locations": buckets.location,
    "metrics": records.metric_file,
    "model": records.model,
    "predict": words.predict,
    "request": records.request,
    "run": records.run,
    "serve": words.serve,
    "shards": data.shards,
    "study": records.study,
    "submission": configs.submission,
}
