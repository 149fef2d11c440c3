package dev.windlass.client;

import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ClientCall;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

/** One streaming call, read with time limits. */
final class Attempt<A> {
  /** Messages that may come in before they are read. */
  private static final int AHEAD = 16;

  private final BlockingQueue<Signal<A>> arrived = new LinkedBlockingQueue<>();
  private final ClientCall<?, A> call;
  private final Runnable disconnect;

  private Attempt(ClientCall<?, A> call, Runnable disconnect) {
    this.call = call;
    this.disconnect = disconnect;
  }

  /** What comes of a call. */
  sealed interface Signal<A> {
    /** A message. */
    record Message<A>(A message) implements Signal<A> {}

    /** The end, and why. */
    record End<A>(StatusRuntimeException why) implements Signal<A> {}
  }

  static <Q, A> Attempt<A> begin(Connection connection, MethodDescriptor<Q, A> method, Q request) {
    ClientCall<Q, A> call = connection.channel().newCall(method, CallOptions.DEFAULT);
    Attempt<A> attempt = new Attempt<>(call, connection.disconnect());
    call.start(attempt.listener(), new Metadata());
    call.request(AHEAD);
    call.sendMessage(request);
    call.halfClose();
    return attempt;
  }

  /**
   * A connection of its own.
   *
   * @param disconnect closes it
   */
  record Connection(Channel channel, Runnable disconnect) {}

  /** What came next, or null where nothing came within so many nanoseconds. */
  Signal<A> poll(long nanos) throws InterruptedException {
    Signal<A> signal = arrived.poll(nanos, TimeUnit.NANOSECONDS);
    if (signal instanceof Signal.Message) {
      call.request(1);
    }
    return signal;
  }

  /** Ends the call and its connection; a reader that waits is told. */
  void cancel() {
    call.cancel("the watch ended", null);
    disconnect.run();
  }

  private ClientCall.Listener<A> listener() {
    return new ClientCall.Listener<>() {
      @Override
      public void onMessage(A message) {
        arrived.add(new Signal.Message<>(message));
      }

      @Override
      public void onClose(Status status, Metadata trailers) {
        arrived.add(new Signal.End<>(status.asRuntimeException(trailers)));
      }
    };
  }
}
