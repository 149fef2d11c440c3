package dev.windlass.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.windlass.v1.DeploymentServiceGrpc;
import dev.windlass.v1.GetDeploymentRequest;
import dev.windlass.v1.ScaleDeploymentRequest;
import io.grpc.Status;
import io.grpc.Status.Code;
import io.grpc.StatusRuntimeException;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(30)
class WindlassClientTest {
  private static final GetDeploymentRequest GET = GetDeploymentRequest.getDefaultInstance();
  private static final ScaleDeploymentRequest SCALE = ScaleDeploymentRequest.getDefaultInstance();

  private ScriptedServer server;
  private WindlassClient client;

  @BeforeEach
  void begin() throws IOException {
    server = new ScriptedServer();
    client = server.client().timeout(Duration.ofSeconds(5)).build();
  }

  @AfterEach
  void end() {
    client.close();
    server.close();
  }

  private static Code codeOf(Runnable call) {
    return assertThrows(StatusRuntimeException.class, call::run).getStatus().getCode();
  }

  @Test
  @DisplayName("a safe call is tried again while the server is not available")
  void triesAgain() {
    server.failures.addAll(List.of(Status.UNAVAILABLE, Status.UNAVAILABLE));
    client.deployments().getDeployment(GET);
    assertEquals(List.of("get", "get", "get"), server.called);
  }

  @Test
  @DisplayName("a write is not, nor is another failure")
  void writesOnce() {
    server.failures.addAll(List.of(Status.UNAVAILABLE, Status.ABORTED));
    assertEquals(Code.UNAVAILABLE, codeOf(() -> client.deployments().scaleDeployment(SCALE)));
    assertEquals(Code.ABORTED, codeOf(() -> client.deployments().getDeployment(GET)));
    assertEquals(List.of("scale", "get"), server.called);
  }

  @Test
  @DisplayName("a call that is not answered ends at the client's deadline, or its own")
  void deadline() {
    // The server never answers what "fails" with OK.
    server.failures.addAll(List.of(Status.OK, Status.OK, Status.OK));
    try (WindlassClient hasty = server.client().timeout(Duration.ofMillis(200)).build()) {
      assertEquals(
          Code.DEADLINE_EXCEEDED, codeOf(() -> hasty.deployments().scaleDeployment(SCALE)));
      var future = DeploymentServiceGrpc.newFutureStub(hasty.channel()).scaleDeployment(SCALE);
      assertThrows(
          java.util.concurrent.ExecutionException.class, () -> future.get(5, TimeUnit.SECONDS));
    }
    var stub = client.deployments().withDeadlineAfter(100, TimeUnit.MILLISECONDS);
    assertEquals(Code.DEADLINE_EXCEEDED, codeOf(() -> stub.scaleDeployment(SCALE)));
  }

  @Test
  @DisplayName("a connection that is accepted and then silent is left for another")
  void silentConnection() throws Exception {
    try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getByName("127.0.0.1"))) {
      String address = "http://127.0.0.1:" + socket.getLocalPort();
      try (WindlassClient other = WindlassClient.builder().address(address).build()) {
        var future = DeploymentServiceGrpc.newFutureStub(other.channel()).scaleDeployment(SCALE);
        socket.setSoTimeout(9_000);
        try (Socket first = socket.accept();
            Socket second = socket.accept()) {
          assertNotEquals(first.getPort(), second.getPort());
          assertFalse(future.isDone());
        }
      }
    }
  }

  @Test
  @DisplayName("a wait ends in time, at what cannot be mended, and with the client")
  void waits() throws Exception {
    // This server knows no applications.
    assertEquals(Code.UNIMPLEMENTED, codeOf(this::waitForApplication));
    server.close();
    TimeoutException late =
        assertThrows(
            TimeoutException.class, () -> client.waitUntilRunning("a b", Duration.ofMillis(300)));
    assertEquals("no news of applications/a%20b after 0.3 s", late.getMessage());
    var waiting = CompletableFuture.supplyAsync(() -> codeOf(this::waitForApplication));
    assertThrows(TimeoutException.class, () -> waiting.get(200, TimeUnit.MILLISECONDS));
    client.close();
    assertEquals(Code.CANCELLED, waiting.get(5, TimeUnit.SECONDS));
  }

  private void waitForApplication() {
    try {
      client.waitUntilRunning("a", Duration.ofSeconds(20));
    } catch (TimeoutException late) {
      throw new AssertionError(late);
    }
  }

  @Test
  @DisplayName("what is out of bounds is refused")
  void bounds() {
    var builder = WindlassClient.builder();
    assertThrows(IllegalArgumentException.class, () -> builder.timeout(Duration.ZERO));
    builder.address("http://127.0.0.1:1").rootCertificates(Path.of("ca.pem"));
    assertThrows(IllegalArgumentException.class, builder::build);
    builder.address("https://127.0.0.1:1");
    var missing = assertThrows(java.io.UncheckedIOException.class, builder::build);
    assertTrue(missing.getMessage().contains("ca.pem"), missing.getMessage());
  }

  @Test
  @DisplayName("the pause before another attempt grows to 5 s and is spread over its half")
  void backoff() {
    assertEquals(50_000_000, Backoff.nanos(1, 0));
    assertEquals(100_000_000, Backoff.nanos(1, 1));
    assertEquals(400_000_000, Backoff.nanos(3, 1));
    assertEquals(5_000_000_000L, Backoff.nanos(99, 1));
    assertEquals(2_500_000_000L, Backoff.nanos(99, 0));
  }
}
