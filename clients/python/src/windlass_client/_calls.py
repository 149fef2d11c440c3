"""One call: its deadline, its token, its types."""

from __future__ import annotations

from typing import Any, Dict, Iterator, Optional, Protocol, Sequence, Tuple, Type, TypeVar

import grpc
from google.protobuf.message import Message

Response = TypeVar("Response", bound=Message)
StreamResponse_co = TypeVar("StreamResponse_co", bound=Message, covariant=True)

Metadata = Sequence[Tuple[str, str]]

MOST_S = 1e9
"""Timers and deadlines are at most so long."""


class ResponseStream(Protocol[StreamResponse_co]):
    """The messages of a streaming call as they come; failures are raised as grpc.RpcError."""

    def __iter__(self) -> Iterator[StreamResponse_co]: ...
    def __next__(self) -> StreamResponse_co: ...
    def cancel(self) -> bool:
        """Ends the call; a reader is told CANCELLED."""
        ...


class Caller:
    """Calls over a channel."""

    def __init__(self, channel: grpc.Channel, metadata: Metadata, timeout_s: float) -> None:
        self._channel = channel
        self._metadata = metadata
        self._timeout_s = timeout_s
        self._methods: Dict[str, Any] = {}

    def unary(self, method: str, request: Message, response: Type[Response], timeout_s: Optional[float]) -> Response:
        """Calls and waits for the answer, until the given deadline or the client's."""
        call = self._method(self._channel.unary_unary, method, response)
        limit = finite(self._timeout_s if timeout_s is None else timeout_s)
        answer: Response = call(request, timeout=limit, metadata=self._metadata)
        return answer

    def stream(
        self, method: str, request: Message, response: Type[Response], timeout_s: Optional[float] = None
    ) -> ResponseStream[Response]:
        """Begins a streaming call; it has no deadline unless one is given."""
        call = self._method(self._channel.unary_stream, method, response)
        messages: ResponseStream[Response] = call(request, timeout=finite(timeout_s), metadata=self._metadata)
        return messages

    def _method(self, make: Any, method: str, response: Type[Response]) -> Any:  # noqa: ANN401
        known = self._methods.get(method)
        if known is None:
            known = make(method, request_serializer=serialize, response_deserializer=response.FromString)
            self._methods[method] = known
        return known


def serialize(message: Message) -> bytes:
    """A message as it is sent."""
    return message.SerializeToString()


def finite(timeout_s: Optional[float]) -> Optional[float]:
    """How gRPC is told a deadline: None is none, and so is one further off than clocks can tell."""
    return None if timeout_s is None or timeout_s > MOST_S else timeout_s
