# The no-op handler of app/app.ts for Ray Serve: plain text "ok", at most 100 requests at once.
from ray import serve
from starlette.requests import Request
from starlette.responses import PlainTextResponse


@serve.deployment(name="Noop")
class Noop:
    async def __call__(self, request: Request) -> PlainTextResponse:
        return PlainTextResponse("ok")


app = Noop.bind()
