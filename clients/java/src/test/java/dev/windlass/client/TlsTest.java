package dev.windlass.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.windlass.v1.Deployment;
import dev.windlass.v1.GetDeploymentRequest;
import dev.windlass.v1.GetDeploymentResponse;
import dev.windlass.v1.ScaleDeploymentRequest;
import dev.windlass.v1.WatchDeploymentsRequest;
import io.grpc.Status.Code;
import io.grpc.StatusRuntimeException;
import io.grpc.TlsServerCredentials;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.util.Base64;
import java.util.List;
import javax.net.ssl.KeyManagerFactory;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
class TlsTest {
  private static final char[] PASSWORD = "password".toCharArray();

  @TempDir Path folder;

  /** A key for 127.0.0.1, with a certificate that nobody else vouches for. */
  private KeyStore makeKey() throws Exception {
    Path file = folder.resolve("key.p12");
    Path keytool = Path.of(System.getProperty("java.home"), "bin", "keytool");
    String options = "-genkeypair -alias key -keyalg EC -dname CN=test -ext san=ip:127.0.0.1";
    ProcessBuilder builder = new ProcessBuilder(keytool.toString());
    builder.command().addAll(List.of(options.split(" ")));
    builder.command().addAll(List.of("-keystore", file.toString()));
    builder.command().addAll(List.of("-storepass", new String(PASSWORD)));
    assertEquals(0, builder.redirectErrorStream(true).inheritIO().start().waitFor());
    KeyStore store = KeyStore.getInstance("PKCS12");
    try (InputStream bytes = Files.newInputStream(file)) {
      store.load(bytes, PASSWORD);
    }
    return store;
  }

  private Path writeCertificate(KeyStore store) throws Exception {
    String body = Base64.getMimeEncoder().encodeToString(store.getCertificate("key").getEncoded());
    return Files.writeString(
        folder.resolve("ca.pem"),
        "-----BEGIN CERTIFICATE-----\n" + body + "\n-----END CERTIFICATE-----\n");
  }

  @Test
  @DisplayName("https is spoken with servers whose certificate is trusted, and with no others")
  void https() throws Exception {
    KeyStore store = makeKey();
    KeyManagerFactory keys = KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
    keys.init(store, PASSWORD);
    var credentials = TlsServerCredentials.newBuilder().keyManager(keys.getKeyManagers()).build();
    try (ScriptedServer server =
        new ScriptedServer(credentials, watcher -> watcher.onNext(ScriptedServer.synced(5)))) {
      var builder = WindlassClient.builder().address("https://127.0.0.1:" + server.port());
      ScaleDeploymentRequest scale = ScaleDeploymentRequest.getDefaultInstance();
      try (WindlassClient stranger = builder.token("secret").build()) {
        StatusRuntimeException error =
            assertThrows(
                StatusRuntimeException.class, () -> stranger.deployments().scaleDeployment(scale));
        assertEquals(Code.UNAVAILABLE, error.getStatus().getCode());
        assertEquals(0, server.called.size());
      }
      try (WindlassClient client = builder.rootCertificates(writeCertificate(store)).build();
          Watch<Deployment> watch = client.watch(WatchDeploymentsRequest.getDefaultInstance())) {
        GetDeploymentRequest get = GetDeploymentRequest.getDefaultInstance();
        assertEquals(
            GetDeploymentResponse.getDefaultInstance(), client.deployments().getDeployment(get));
        assertEquals(new Event.Reset<>(5), watch.next());
      }
    }
  }
}
