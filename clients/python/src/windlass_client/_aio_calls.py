"""One call of asyncio: its deadline, its token, its types."""

from __future__ import annotations

from typing import Any, AsyncIterator, Dict, Optional, Protocol, Type, TypeVar

import grpc.aio
from google.protobuf.message import Message

from windlass_client._calls import Metadata, finite, serialize

Response = TypeVar("Response", bound=Message)
StreamResponse_co = TypeVar("StreamResponse_co", bound=Message, covariant=True)


class AsyncResponseStream(Protocol[StreamResponse_co]):
    """The messages of a streaming call as they come; failures are raised as grpc.aio.AioRpcError."""

    def __aiter__(self) -> AsyncIterator[StreamResponse_co]: ...
    def cancel(self) -> bool:
        """Ends the call; a reader is cancelled."""
        ...


class AsyncCaller:
    """Calls over a channel of asyncio."""

    def __init__(self, channel: grpc.aio.Channel, metadata: Metadata, timeout_s: float) -> None:
        self._channel = channel
        self._metadata = metadata
        self._timeout_s = timeout_s
        self._methods: Dict[str, Any] = {}

    async def unary(
        self, method: str, request: Message, response: Type[Response], timeout_s: Optional[float]
    ) -> Response:
        """Calls and waits for the answer, until the given deadline or the client's."""
        call = self._method(self._channel.unary_unary, method, response)
        limit = finite(self._timeout_s if timeout_s is None else timeout_s)
        answer: Response = await call(request, timeout=limit, metadata=self._metadata)
        return answer

    def stream(
        self, method: str, request: Message, response: Type[Response], timeout_s: Optional[float] = None
    ) -> AsyncResponseStream[Response]:
        """Begins a streaming call; it has no deadline unless one is given."""
        call = self._method(self._channel.unary_stream, method, response)
        messages: AsyncResponseStream[Response] = call(request, timeout=finite(timeout_s), metadata=self._metadata)
        return messages

    def _method(self, make: Any, method: str, response: Type[Response]) -> Any:  # noqa: ANN401
        known = self._methods.get(method)
        if known is None:
            known = make(method, request_serializer=serialize, response_deserializer=response.FromString)
            self._methods[method] = known
        return known
