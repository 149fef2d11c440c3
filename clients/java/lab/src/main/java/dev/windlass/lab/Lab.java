package dev.windlass.lab;

import com.google.protobuf.Value;
import dev.windlass.client.ResourceNames;
import dev.windlass.config.v1.ApplicationConfig;
import dev.windlass.config.v1.DeploymentConfig;
import dev.windlass.v1.UpdateApplicationRequest;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.time.Duration;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Asks the lab for trouble, and says what is wrong; test/clients/README.md says what is asked. */
final class Lab {
  static final String FEED = ResourceNames.deployment("feed", "Waiter");
  static final String STILL = ResourceNames.deployment("plain", "Still");

  private static final HttpClient HTTP =
      HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();

  private Lab() {}

  /** A check of a case, which may fail with anything. */
  interface Check {
    boolean holds() throws Exception;
  }

  /** Posts, and returns the answer's number of this name; 0 where it has none. */
  static long post(String path, String number) throws Exception {
    return numberOf(answer("POST", path), number);
  }

  static void post(String path) throws Exception {
    answer("POST", path);
  }

  /** How many watches are open at the controller. */
  static long watchers() throws Exception {
    return numberOf(answer("GET", "/state"), "watchers");
  }

  static long numberOf(String json, String name) {
    Matcher found = Pattern.compile('"' + name + "\":\\s*(\\d+)").matcher(json);
    return found.find() ? Long.parseLong(found.group(1)) : 0;
  }

  static String answer(String method, String path) throws Exception {
    HttpRequest request =
        HttpRequest.newBuilder(URI.create(System.getenv("WINDLASS_LAB") + path))
            .method(method, BodyPublishers.noBody())
            .timeout(Duration.ofSeconds(60))
            .build();
    HttpResponse<String> response = HTTP.send(request, BodyHandlers.ofString());
    expect(response.statusCode() == 200, response.body());
    return response.body();
  }

  static UpdateApplicationRequest deploy(String application, DeploymentConfig.Builder echo) {
    return UpdateApplicationRequest.newBuilder()
        .setName(ResourceNames.application(application))
        .setConfig(
            ApplicationConfig.newBuilder()
                .setImportPath("./app.ts:app")
                .setRoutePrefix("/" + application)
                .setExternalScalerEnabled(true)
                .addDeployments(echo.setName("Echo")))
        .setAllowMissing(true)
        .setBaseDir(System.getenv("WINDLASS_LAB_DIR"))
        .build();
  }

  static DeploymentConfig.Builder oneReplica() {
    return DeploymentConfig.newBuilder().setNumReplicas(Value.newBuilder().setNumberValue(1));
  }

  static void expect(boolean what, Object why) {
    if (!what) {
      throw new AssertionError(why);
    }
  }

  static void until(Check done, Duration limit, String why) throws Exception {
    long deadline = System.nanoTime() + limit.toNanos();
    while (!done.holds()) {
      expect(System.nanoTime() < deadline, why);
      Thread.sleep(50);
    }
  }
}
