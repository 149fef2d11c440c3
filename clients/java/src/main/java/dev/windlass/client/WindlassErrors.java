package dev.windlass.client;

import com.google.protobuf.Any;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.Message;
import com.google.rpc.BadRequest;
import com.google.rpc.ErrorInfo;
import com.google.rpc.Status;
import io.grpc.protobuf.StatusProto;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * Reads what Windlass says of a failed call from gRPC's own errors: a {@link
 * io.grpc.StatusRuntimeException}, {@link io.grpc.StatusException}, or what was caused by one.
 */
public final class WindlassErrors {
  private static final String DOMAIN = "windlass";

  private WindlassErrors() {}

  /**
   * Why a call failed, as docs/errors.md lists: "STALE_ETAG".
   *
   * @return empty where the error is not from Windlass
   */
  public static String reasonOf(Throwable error) {
    return errorInfoOf(error).getReason();
  }

  /** The ids that came with the reason, such as {@code owner} with LEASE_HELD. */
  public static Map<String, String> metadataOf(Throwable error) {
    return errorInfoOf(error).getMetadataMap();
  }

  /**
   * The problems of the request: each with the path of its field, such as {@code
   * deployments[1].max_ongoing_requests}, and a description of one line.
   *
   * @return empty where the error tells none
   */
  public static List<BadRequest.FieldViolation> violationsOf(Throwable error) {
    return detailsOf(error, BadRequest.class).stream()
        .flatMap(detail -> detail.getFieldViolationsList().stream())
        .toList();
  }

  private static ErrorInfo errorInfoOf(Throwable error) {
    return detailsOf(error, ErrorInfo.class).stream()
        .filter(info -> info.getDomain().equals(DOMAIN))
        .findFirst()
        .orElse(ErrorInfo.getDefaultInstance());
  }

  private static <M extends Message> List<M> detailsOf(Throwable error, Class<M> kind) {
    List<M> found = new ArrayList<>();
    Status status = StatusProto.fromThrowable(error);
    if (status == null) {
      return found;
    }
    for (Any detail : status.getDetailsList()) {
      try {
        if (detail.is(kind)) {
          found.add(detail.unpack(kind));
        }
      } catch (InvalidProtocolBufferException broken) {
        // A detail that cannot be read tells nothing; the error's code and text still do.
        continue;
      }
    }
    return found;
  }
}
