package dev.windlass.lab;

import dev.windlass.client.WindlassClient;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;

/** Runs the cases of test/clients/cases.ts. */
public final class Main {
  private Main() {}

  private interface Case {
    void run() throws Exception;
  }

  public static void main(String[] arguments) throws Exception {
    try (WindlassClient client = WindlassClient.create()) {
      cases(new CallCases(client), new WatchCases(client)).forEach(Main::tell);
    }
    // gRPC's threads end when the last connection is closed.
    Lab.until(
        () -> threads().noneMatch(thread -> thread.getName().matches("(grpc|windlass)-.*")),
        Duration.ofSeconds(10),
        "threads are left: " + threads().map(Thread::getName).toList());
  }

  private static java.util.stream.Stream<Thread> threads() {
    return Thread.getAllStackTraces().keySet().stream();
  }

  private static void tell(String name, Case tried) {
    try {
      tried.run();
      System.out.println("ok " + name);
    } catch (Exception | AssertionError error) {
      System.out.println("not ok " + name + ": " + error.toString().replaceAll("\\s+", " "));
    }
  }

  private static Map<String, Case> cases(CallCases calls, WatchCases watches) {
    Map<String, Case> cases = new LinkedHashMap<>();
    cases.put("takes address and token from the environment", calls::fromEnvironment);
    cases.put("deploys an application and waits until it runs", calls::deploys);
    cases.put("reads applications, deployments and replicas", calls::reads);
    cases.put("scales with the scaler token of the application", calls::scales);
    cases.put("tells UNAUTHENTICATED of an unknown token", calls::unauthenticated);
    cases.put("tells PERMISSION_DENIED of a scaler that deploys", calls::permissionDenied);
    cases.put("tells NOT_FOUND of an application that is not there", calls::notFound);
    cases.put("tells INVALID_CONFIG with each violation", calls::invalidConfig);
    cases.put("tells EXTERNAL_SCALER_DISABLED", calls::scalerDisabled);
    cases.put("tells STALE_ETAG", calls::staleEtag);
    cases.put("tells HISTORY_COMPACTED of a watch from long ago", calls::historyCompacted);
    cases.put("ends a call at its deadline", calls::deadline);
    cases.put("tries a safe call again", calls::safeAgain);
    cases.put("does not try a write again", calls::writeOnce);
    cases.put("watches what is, synced, then each change", watches::watches);
    cases.put("watches on over cuts without a gap or a repeat", watches::overCuts);
    cases.put("begins anew with the present state where history is gone", watches::beginsAnew);
    cases.put("notices a half-open connection", watches::halfOpen);
    cases.put("leaves a watch cleanly", watches::leaves);
    cases.put("deletes the application", watches::deletes);
    return cases;
  }
}
