package dev.windlass.client;

import java.nio.charset.StandardCharsets;

/** Makes resource names, whose parts are percent-escaped. */
public final class ResourceNames {
  private static final String UNESCAPED = "-_.!~*'()";

  private ResourceNames() {}

  /**
   * {@code applications/{application}}.
   *
   * @param application its name as its config has it
   */
  public static String application(String application) {
    return "applications/" + escape(application);
  }

  /**
   * {@code applications/{application}/deployments/{deployment}}.
   *
   * @param application its name as its config has it
   * @param deployment its name as the code has it
   */
  public static String deployment(String application, String deployment) {
    return application(application) + "/deployments/" + escape(deployment);
  }

  private static String escape(String part) {
    StringBuilder escaped = new StringBuilder();
    for (byte each : part.getBytes(StandardCharsets.UTF_8)) {
      char letter = (char) (each & 0xff);
      boolean plain = letter < 128 && Character.isLetterOrDigit(letter);
      if (plain || UNESCAPED.indexOf(letter) >= 0) {
        escaped.append(letter);
      } else {
        escaped.append(String.format("%%%02X", (int) letter));
      }
    }
    return escaped.toString();
  }
}
