# The handlers of app/side.ts for Ray Serve, each in the way its documentation shows.
import asyncio

import grpc
from google.protobuf.wrappers_pb2 import StringValue
from ray import serve
from ray.serve.handle import DeploymentHandle
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse

LARGE = {}


async def events(count: int):
    for i in range(count):
        await asyncio.sleep(0)
        yield "data: %024d\n\n" % i


@serve.deployment(name="Side")
class Side:
    async def __call__(self, request: Request) -> Response:
        path = request.url.path
        if path == "/up":
            return PlainTextResponse(str(len(await request.body())))
        if path == "/down":
            size = int(request.query_params["bytes"])
            body = LARGE.setdefault(size, b"x" * size)
            return Response(body, media_type="application/octet-stream")
        if path == "/sse":
            count = int(request.query_params["events"])
            return StreamingResponse(events(count), media_type="text/event-stream")
        return PlainTextResponse("ok")


@serve.deployment(name="Answer")
class Answer:
    async def answer(self, question: str) -> str:
        return question


@serve.deployment(name="Asker")
class Asker:
    def __init__(self, answer: DeploymentHandle):
        self.answer = answer

    async def __call__(self, request: Request) -> PlainTextResponse:
        return PlainTextResponse(await self.answer.answer.remote("ok"))


@serve.deployment(name="Greetings")
class Greetings:
    async def SayHello(self, request: StringValue) -> StringValue:
        return StringValue(value="Hello, %s!" % request.value)


def add_greeter(servicer, server) -> None:
    # What protoc would generate for greeter.v1.Greeter, whose messages have a string as their first field.
    handler = grpc.unary_unary_rpc_method_handler(
        servicer.SayHello,
        request_deserializer=StringValue.FromString,
        response_serializer=StringValue.SerializeToString,
    )
    service = "greeter.v1.Greeter"
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(service, {"SayHello": handler}),))


side = Side.bind()
chain = Asker.bind(Answer.bind())
greeter = Greetings.bind()
