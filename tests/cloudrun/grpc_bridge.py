"""google.cloud.run.v2.WorkerPools over gRPC, passed on as the JSON of the same API to the double.

Run by the Python that comes with gcloud, which has grpc and Google's message types; ours has neither, so they are
imported by name: python grpc_bridge.py SDK_ROOT PORT CERTIFICATE KEY DOUBLE_URL
"""

import importlib
import json
import sys
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

SDK, PORT, CERTIFICATE, KEY, DOUBLE = sys.argv[1:]
sys.path += [f"{SDK}/lib", f"{SDK}/lib/third_party"]
google: Any = importlib.import_module("google")
google.__path__ = [f"{SDK}/lib/third_party/google", *google.__path__]

grpc: Any = importlib.import_module("grpc")
json_format: Any = importlib.import_module("cloudsdk.google.protobuf.json_format")
types: Any = importlib.import_module("googlecloudsdk.generated_clients.gapic_clients.run_v2.types")
operations: Any = importlib.import_module("google.longrunning.operations_pb2")

_CODES = {404: grpc.StatusCode.NOT_FOUND}


def ask(context: Any, method: str, name: str, body: Any = None) -> Any:  # noqa: ANN401  # grpc is not typed
    content = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(f"{DOUBLE}/v2/{name}", content, method=method)  # noqa: S310  # loopback
    try:
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as error:
        said = json.load(error)["error"]["message"]
        return context.abort(_CODES.get(error.code, grpc.StatusCode.FAILED_PRECONDITION), said)


def pool_message(body: Any) -> Any:  # noqa: ANN401
    return json_format.ParseDict(body, types.WorkerPool.pb(types.WorkerPool()), ignore_unknown_fields=True)


def get(request: Any, context: Any) -> Any:  # noqa: ANN401
    return pool_message(ask(context, "GET", request.name))


def update(request: Any, context: Any) -> Any:  # noqa: ANN401
    pool = types.WorkerPool.pb(request.worker_pool)
    force = "?forceNewRevision=true" if request.force_new_revision else ""
    answer = ask(context, "PATCH", pool.name + force, json_format.MessageToDict(pool))
    operation = operations.Operation(name=answer["name"], done=True)
    operation.metadata.Pack(pool_message(answer.get("response", {})))
    if "error" in answer:
        operation.error.code, operation.error.message = answer["error"]["code"], answer["error"]["message"]
    else:
        operation.response.Pack(pool_message(answer["response"]))
    return operation


def serialised(reply: Any) -> bytes:  # noqa: ANN401
    return reply.SerializeToString()


def handler(function: Any, message: Any) -> Any:  # noqa: ANN401
    return grpc.unary_unary_rpc_method_handler(
        function, request_deserializer=message.deserialize, response_serializer=serialised
    )


methods = {
    "GetWorkerPool": handler(get, types.GetWorkerPoolRequest),
    "UpdateWorkerPool": handler(update, types.UpdateWorkerPoolRequest),
}
server = grpc.server(ThreadPoolExecutor(4))
server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("google.cloud.run.v2.WorkerPools", methods),))
credentials = grpc.ssl_server_credentials([(Path(KEY).read_bytes(), Path(CERTIFICATE).read_bytes())])
server.add_secure_port(f"127.0.0.1:{PORT}", credentials)
server.start()
print("ready", flush=True)  # noqa: T201  # whoever started this waits for it
server.wait_for_termination()
