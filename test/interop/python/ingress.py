"""Calls the service of examples/grpc with grpcio, in all four ways, and prints what came as JSON.

Usage: ingress.py ADDRESS FOLDER_OF_PROTO
"""

import json
import sys
import threading

import grpc

address, protos = sys.argv[1:]
sys.path.insert(0, protos)
messages, services = grpc.protos_and_services("greeter.proto")
Request = messages.HelloRequest

found = {}
with grpc.insecure_channel(address, compression=grpc.Compression.Gzip) as channel:
    stub = services.GreeterStub(channel)
    metadata = (("application", "connected"), ("request_id", "py-1"))
    options = {"metadata": metadata, "timeout": 20, "wait_for_ready": True}

    answer, call = stub.SayHello.with_call(Request(name="Ada"), **options)
    found["unary"] = answer.message
    found["trailers"] = dict(call.trailing_metadata()).get("request_id")
    found["server stream"] = [one.message for one in stub.Spell(Request(name="Ada"), **options)]
    pieces = [Request(name="x" * 100_000) for _ in range(30)]
    found["client stream"] = stub.GreetAll(iter(pieces), **options).message

    # The second request is sent once the first answer is here.
    heard = threading.Event()

    def talk():
        yield Request(name="one")
        heard.wait(10)
        yield Request(name="two")

    chat = []
    for one in stub.Chat(talk(), **options):
        chat.append(one.message)
        heard.set()
    found["bidi"] = chat

    def failure(begin):
        try:
            begin()
        except grpc.RpcError as error:
            return [error.code().name, error.details()]
        return None

    found["status"] = failure(lambda: stub.SayHello(Request(name="status"), **options))
    found["error"] = failure(lambda: stub.SayHello(Request(name="error"), **options))
    late = {**options, "timeout": 0.3}
    found["deadline"] = failure(lambda: stub.SayHello(Request(name="hang"), **late))[0]
    # Stays open until it is cancelled.
    stream = stub.Spell(Request(name="a?"), **options)
    found["first"] = next(stream).message
    stream.cancel()
    found["cancelled"] = failure(lambda: next(stream))[0]
    found["unknown"] = failure(lambda: stub.SayHello(Request(), metadata=(("application", "none"),)))[0]

print(json.dumps(found))
