package dev.windlass.client;

import io.grpc.ChannelCredentials;
import io.grpc.Grpc;
import io.grpc.InsecureChannelCredentials;
import io.grpc.ManagedChannel;
import io.grpc.ManagedChannelBuilder;
import io.grpc.TlsChannelCredentials;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;

/** Makes connections to one target. */
final class Connections {
  private final Target target;
  private final ChannelCredentials credentials;

  /**
   * Reads the certificates.
   *
   * @param rootCertificates null: the machine's
   */
  Connections(Target target, Path rootCertificates) {
    this.target = target;
    this.credentials = credentials(target, rootCertificates);
  }

  /** A connection that is shared with no other. */
  ManagedChannel connect() {
    ManagedChannelBuilder<?> builder =
        Grpc.newChannelBuilder("dns:///" + target.authority(), credentials)
            .userAgent("windlass-client-java/" + version())
            .disableServiceConfigLookUp()
            .defaultServiceConfig(SafeMethods.SERVICE_CONFIG)
            .enableRetry()
            // gRPC's own limit for the answer to a ping is 20 s.
            .keepAliveTime(10, TimeUnit.SECONDS)
            .keepAliveTimeout(5, TimeUnit.SECONDS)
            // What the server lets in and sends is bounded by the server.
            .maxInboundMessageSize(Integer.MAX_VALUE);
    if (target.isLoopback()) {
      builder.proxyDetector(address -> null);
    }
    return builder.build();
  }

  private static ChannelCredentials credentials(Target target, Path rootCertificates) {
    if (!target.secure()) {
      if (rootCertificates != null) {
        throw new IllegalArgumentException("rootCertificates are for https:// addresses only");
      }
      return InsecureChannelCredentials.create();
    }
    if (rootCertificates == null) {
      return TlsChannelCredentials.create();
    }
    try {
      return TlsChannelCredentials.newBuilder().trustManager(rootCertificates.toFile()).build();
    } catch (IOException error) {
      throw new UncheckedIOException("cannot read " + rootCertificates, error);
    }
  }

  private static String version() {
    String version = Connections.class.getPackage().getImplementationVersion();
    return version == null ? "0" : version;
  }
}
