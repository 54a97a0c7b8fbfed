"""The fake by gRPC: a handler for the service's own method names, in its own messages."""

import contextlib
from collections.abc import Callable, Iterator
from concurrent import futures
from typing import Any

import grpc
from google.cloud import aiplatform_v1
from google.protobuf import empty_pb2
from grpc_status import rpc_status

from tests.vertex.jobs import KINDS
from tests.vertex.refusals import Refused
from tests.vertex.service import Service
from trainer.study.vertex.job import Kind

_SERVICE = "google.cloud.aiplatform.v1.JobService"


@contextlib.contextmanager
def listening(service: Service, port: int) -> Iterator[int]:
    """Serves for as long as the context lasts, and gives the port; of 0, any that is free."""
    server = grpc.server(futures.ThreadPoolExecutor(8), options=[("grpc.so_reuseport", 0)])
    server.add_generic_rpc_handlers([_handler(service)])
    port = server.add_insecure_port(f"127.0.0.1:{port}")
    server.start()
    try:
        yield port
    finally:
        server.stop(None).wait()


def _handler(service: Service) -> grpc.GenericRpcHandler:
    methods: dict[str, grpc.RpcMethodHandler] = {}
    for kind in KINDS.values():
        calls = {f"Create{kind.message}": _create, f"Get{kind.message}": _get, f"Cancel{kind.message}": _cancel}
        for name, call in {**calls, f"List{kind.message}s": _list}.items():
            methods[name] = grpc.unary_unary_rpc_method_handler(
                _guarded(call, service, kind),
                request_deserializer=getattr(aiplatform_v1, f"{name}Request").pb().FromString,
                response_serializer=lambda reply: reply.SerializeToString(),
            )
    return grpc.method_handlers_generic_handler(_SERVICE, methods)


def _guarded(call: Callable[[Service, Kind, Any], Any], service: Service, kind: Kind) -> Callable[[Any, Any], Any]:
    def guarded(request: Any, context: grpc.ServicerContext) -> Any:
        try:
            return call(service, kind, request)
        except Refused as refused:
            context.abort_with_status(rpc_status.to_status(refused.as_status()))
        except ConnectionError:
            context.abort(grpc.StatusCode.UNAVAILABLE, "Socket closed")  # what gRPC makes of it

    return guarded


def _create(service: Service, kind: Kind, request: Any) -> Any:
    job = getattr(request, kind.noun)
    return service.do("create", kind, request.parent, lambda: service.store.create(kind, request.parent, job))


def _get(service: Service, kind: Kind, request: Any) -> Any:
    return service.do("get", kind, request.name, lambda: service.store.get(kind, request.name))


def _cancel(service: Service, kind: Kind, request: Any) -> Any:
    service.do("cancel", kind, request.name, lambda: service.store.cancel(kind, request.name))
    return empty_pb2.Empty()


def _list(service: Service, kind: Kind, request: Any) -> Any:
    def call() -> Any:
        given = (request.filter, request.page_size, request.page_token)
        jobs, token = service.store.listed(kind, request.parent, *given)
        reply = getattr(aiplatform_v1, f"List{kind.message}sResponse").pb()
        return reply(**{f"{kind.noun}s": jobs}, next_page_token=token)

    return service.do("list", kind, request.parent, call)
