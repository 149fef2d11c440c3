package dev.windlass.client;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.google.protobuf.Any;
import com.google.protobuf.ByteString;
import com.google.rpc.BadRequest;
import com.google.rpc.BadRequest.FieldViolation;
import com.google.rpc.ErrorInfo;
import com.google.rpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.protobuf.StatusProto;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

class WindlassErrorsTest {
  private static final ErrorInfo STALE =
      ErrorInfo.newBuilder()
          .setDomain("windlass")
          .setReason("STALE_ETAG")
          .putMetadata("owner", "me")
          .build();
  private static final FieldViolation VIOLATION =
      FieldViolation.newBuilder().setField("a.b").setDescription("is wrong").build();

  private static StatusRuntimeException error(Any... details) {
    return StatusProto.toStatusRuntimeException(
        Status.newBuilder().setCode(10).addAllDetails(List.of(details)).build());
  }

  @Test
  @DisplayName("reason, metadata and violations are read, also of what a future throws")
  void reads() {
    BadRequest request = BadRequest.newBuilder().addFieldViolations(VIOLATION).build();
    Throwable error = new ExecutionException(error(Any.pack(STALE), Any.pack(request)));
    assertEquals("STALE_ETAG", WindlassErrors.reasonOf(error));
    assertEquals(Map.of("owner", "me"), WindlassErrors.metadataOf(error));
    assertEquals(List.of(VIOLATION), WindlassErrors.violationsOf(error));
  }

  @Test
  @DisplayName("what is not from Windlass has no reason")
  void foreign() {
    ErrorInfo other = STALE.toBuilder().setDomain("other").build();
    Any broken = Any.pack(STALE).toBuilder().setValue(ByteString.copyFromUtf8("\u00ff")).build();
    List<Throwable> foreign =
        List.of(
            error(Any.pack(other)),
            error(broken),
            error(),
            io.grpc.Status.UNAVAILABLE.asRuntimeException(),
            new IllegalStateException("something else"));
    for (Throwable error : foreign) {
      assertEquals("", WindlassErrors.reasonOf(error));
      assertEquals(Map.of(), WindlassErrors.metadataOf(error));
      assertEquals(List.of(), WindlassErrors.violationsOf(error));
    }
  }
}
