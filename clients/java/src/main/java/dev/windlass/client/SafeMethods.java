package dev.windlass.client;

import com.google.protobuf.DescriptorProtos.MethodOptions.IdempotencyLevel;
import com.google.protobuf.Descriptors.FileDescriptor;
import dev.windlass.v1.ApplicationServiceProto;
import dev.windlass.v1.DeploymentServiceProto;
import dev.windlass.v1.InstanceServiceProto;
import dev.windlass.v1.TokenServiceProto;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/** Which calls are tried again. */
final class SafeMethods {
  /**
   * For gRPC: calls without side effects are tried again while the server is not available, for
   * about 4 s in all and never beyond their deadline.
   */
  static final Map<String, ?> SERVICE_CONFIG = serviceConfig();

  private SafeMethods() {}

  private static Map<String, ?> serviceConfig() {
    Map<String, ?> policy =
        Map.of(
            "maxAttempts",
            5.0,
            "initialBackoff",
            "0.1s",
            "maxBackoff",
            "3s",
            "backoffMultiplier",
            3.0,
            "retryableStatusCodes",
            List.of("UNAVAILABLE"));
    return Map.of("methodConfig", List.of(Map.of("name", names(), "retryPolicy", policy)));
  }

  private static List<Map<String, String>> names() {
    return Stream.of(
            ApplicationServiceProto.getDescriptor(),
            DeploymentServiceProto.getDescriptor(),
            InstanceServiceProto.getDescriptor(),
            TokenServiceProto.getDescriptor())
        .map(FileDescriptor::getServices)
        .flatMap(List::stream)
        .flatMap(service -> service.getMethods().stream())
        .filter(
            method -> method.getOptions().getIdempotencyLevel() == IdempotencyLevel.NO_SIDE_EFFECTS)
        .map(
            method ->
                Map.of("service", method.getService().getFullName(), "method", method.getName()))
        .toList();
  }
}
