"""Runs the cases of the interop matrix with grpcio and prints a line for each; see ../README.md.

The folder of the code generated from proto/ is the only argument.
"""

import json
import queue
import sys
import time

sys.path.insert(0, sys.argv[1])

import grpc  # noqa: E402
from google.protobuf import duration_pb2, struct_pb2  # noqa: E402
from google.rpc import error_details_pb2  # noqa: E402
from grpc_reflection.v1alpha import reflection_pb2  # noqa: E402
from grpc_status import rpc_status  # noqa: E402
from windlass.config.v1 import application_pb2 as config_pb2  # noqa: E402
from windlass.v1 import application_service_pb2 as applications  # noqa: E402
from windlass.v1 import application_service_pb2_grpc as applications_grpc  # noqa: E402
from windlass.v1 import deployment_service_pb2 as deployments  # noqa: E402
from windlass.v1 import deployment_service_pb2_grpc as deployments_grpc  # noqa: E402
from windlass.v1 import instance_service_pb2 as instance  # noqa: E402
from windlass.v1 import instance_service_pb2_grpc as instance_grpc  # noqa: E402

LIMIT_S = 20
APPLICATION = "applications/interop"
DEPLOYMENT = "applications/interop/deployments/Echo"
REFLECTION = "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo"


class Caller:
    """Stubs of one channel, and what each call is given."""

    def __init__(self, address: str, token: str, compression: str):
        algorithm = grpc.Compression.Gzip if compression == "gzip" else grpc.Compression.NoCompression
        # A channel of its own for each row: channels with equal options share their connections.
        options = [("grpc.use_local_subchannel_pool", 1)]
        self.channel = grpc.insecure_channel(address, options=options, compression=algorithm)
        self.instance = instance_grpc.InstanceServiceStub(self.channel)
        self.applications = applications_grpc.ApplicationServiceStub(self.channel)
        self.deployments = deployments_grpc.DeploymentServiceStub(self.channel)
        self.call = {"metadata": [("authorization", f"Bearer {token}")], "timeout": LIMIT_S}


def unary(caller: Caller) -> None:
    answer = caller.instance.GetInstance(instance.GetInstanceRequest(), **caller.call)
    assert answer.revision > 0 and answer.applications[0].name == APPLICATION, answer


def large_message(caller: Caller) -> None:
    args = struct_pb2.Struct()
    args["text"] = "windlass " * 32_000
    caller.instance.ApplyConfig(apply(args=args, import_path="./app.ts:app", validate_only=True), **caller.call)


def apply(validate_only: bool = False, **application) -> instance.ApplyConfigRequest:
    config = config_pb2.DeployConfig(applications=[config_pb2.ApplicationConfig(name="interop", **application)])
    return instance.ApplyConfigRequest(config=config, validate_only=validate_only)


def until_synced(stream, name_of=None) -> None:
    """Reads the snapshot; something of the application must have been in it."""
    found = name_of is None
    for message in stream:
        found = found or (name_of is not None and name_of(message).startswith(APPLICATION))
        if message.synced:
            assert found and message.revision > 0, message
            stream.cancel()
            return
    raise AssertionError("the stream ended")


def watch_instance(caller: Caller) -> None:
    stream = caller.instance.WatchInstance(instance.WatchInstanceRequest(), **caller.call)
    until_synced(stream, lambda message: message.deployment.name)


def watch_applications(caller: Caller) -> None:
    stream = caller.applications.WatchApplications(applications.WatchApplicationsRequest(), **caller.call)
    until_synced(stream, lambda message: message.updated.name)


def watch_deployments(caller: Caller) -> None:
    request = deployments.WatchDeploymentsRequest(parent=APPLICATION)
    until_synced(caller.deployments.WatchDeployments(request, **caller.call), lambda message: message.updated.name)


def watch_replicas(caller: Caller) -> None:
    request = deployments.WatchReplicasRequest(parent=DEPLOYMENT)
    until_synced(caller.deployments.WatchReplicas(request, **caller.call), lambda message: message.updated.name)


def watch_scaling_decisions(caller: Caller) -> None:
    request = deployments.WatchScalingDecisionsRequest(name=DEPLOYMENT)
    until_synced(caller.deployments.WatchScalingDecisions(request, **caller.call))


def bidi(caller: Caller) -> None:
    questions: queue.Queue = queue.Queue()
    method = caller.channel.stream_stream(
        REFLECTION,
        request_serializer=reflection_pb2.ServerReflectionRequest.SerializeToString,
        response_deserializer=reflection_pb2.ServerReflectionResponse.FromString,
    )
    stream = method(iter(questions.get, None), **caller.call)
    questions.put(reflection_pb2.ServerReflectionRequest(list_services=""))
    services = next(stream).list_services_response.service
    assert services
    # The second question is asked after the first answer.
    questions.put(reflection_pb2.ServerReflectionRequest(file_containing_symbol=services[0].name))
    assert next(stream).file_descriptor_response.file_descriptor_proto
    questions.put(None)
    assert list(stream) == []
    assert stream.code() == grpc.StatusCode.OK


def failure_of(call) -> grpc.RpcError:
    try:
        call()
    except grpc.RpcError as error:
        return error
    raise AssertionError("the call did not fail")


def detail(error: grpc.RpcError, kind):
    for each in rpc_status.from_call(error).details:
        if each.Is(kind.DESCRIPTOR):
            found = kind()
            each.Unpack(found)
            return found
    raise AssertionError(f"no {kind.DESCRIPTOR.name} in {error}")


def expect_reason(error: grpc.RpcError, code: grpc.StatusCode, reason: str) -> None:
    assert error.code() == code, error
    info = detail(error, error_details_pb2.ErrorInfo)
    assert (info.reason, info.domain) == (reason, "windlass"), info


def error_info(caller: Caller) -> None:
    request = deployments.GetDeploymentRequest(name=f"{APPLICATION}/deployments/Nope")
    error = failure_of(lambda: caller.deployments.GetDeployment(request, **caller.call))
    expect_reason(error, grpc.StatusCode.NOT_FOUND, "NOT_FOUND")


def bad_request(caller: Caller) -> None:
    error = failure_of(lambda: caller.instance.ApplyConfig(apply(), **caller.call))
    expect_reason(error, grpc.StatusCode.INVALID_ARGUMENT, "INVALID_CONFIG")
    violations = detail(error, error_details_pb2.BadRequest).field_violations
    assert "applications[0].import_path" in [each.field for each in violations], violations


def error_of_a_stream(caller: Caller) -> None:
    request = instance.WatchInstanceRequest(progress_interval=duration_pb2.Duration(seconds=3600))
    error = failure_of(lambda: list(caller.instance.WatchInstance(request, **caller.call)))
    expect_reason(error, grpc.StatusCode.INVALID_ARGUMENT, "INVALID_REQUEST")


def no_token(caller: Caller) -> None:
    error = failure_of(lambda: caller.instance.GetInstance(instance.GetInstanceRequest(), timeout=LIMIT_S))
    expect_reason(error, grpc.StatusCode.UNAUTHENTICATED, "UNAUTHENTICATED")


def deadline(caller: Caller) -> None:
    started = time.monotonic()
    call = {**caller.call, "timeout": 0.4}
    error = failure_of(lambda: list(caller.instance.WatchInstance(instance.WatchInstanceRequest(), **call)))
    assert error.code() == grpc.StatusCode.DEADLINE_EXCEEDED, error
    assert 0.3 < time.monotonic() - started < 5


def cancel(caller: Caller) -> None:
    stream = caller.instance.WatchInstance(instance.WatchInstanceRequest(), **caller.call)

    def read() -> None:
        for message in stream:
            if message.synced:
                stream.cancel()

    assert failure_of(read).code() == grpc.StatusCode.CANCELLED


CASES = {
    "unary": unary,
    "large message": large_message,
    "WatchInstance": watch_instance,
    "WatchApplications": watch_applications,
    "WatchDeployments": watch_deployments,
    "WatchReplicas": watch_replicas,
    "WatchScalingDecisions": watch_scaling_decisions,
    "bidi": bidi,
    "ErrorInfo": error_info,
    "BadRequest": bad_request,
    "error of a stream": error_of_a_stream,
    "no token": no_token,
    "deadline": deadline,
    "cancel": cancel,
}


def main() -> None:
    wanted = json.load(sys.stdin)
    for index, row in enumerate(wanted["rows"]):
        caller = Caller(wanted["address"], wanted["token"], row["compression"])
        for name in wanted["cases"]:
            result = {"row": index, "case": name}
            try:
                CASES[name](caller)
            except Exception as error:  # noqa: BLE001 - whatever it is, it is what is told
                result["error"] = f"{type(error).__name__}: {error}"
            print(json.dumps(result), flush=True)
        caller.channel.close()


main()
