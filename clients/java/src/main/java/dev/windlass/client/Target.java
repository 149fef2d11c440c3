package dev.windlass.client;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.URI;
import java.net.URISyntaxException;
import java.net.UnknownHostException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;
import java.util.Map;
import java.util.regex.Pattern;

/**
 * Where and as whom to call: decided once, from what is given and the environment.
 *
 * @param host without brackets
 * @param secure whether TLS is spoken
 * @param token empty: none
 */
record Target(String host, int port, boolean secure, String token) {
  static final String DEFAULT_ADDRESS = "http://127.0.0.1:8265";

  private static final Pattern IPV4 = Pattern.compile("\\d{1,3}(\\.\\d{1,3}){3}");

  /**
   * What is given beats WINDLASS_ADDRESS and WINDLASS_TOKEN; on a loopback address the admin's
   * token file is last.
   *
   * @param address null: not given
   * @param token null: not given; empty: none
   */
  static Target find(String address, String token, Map<String, String> environment) {
    String named = environment.getOrDefault("WINDLASS_ADDRESS", "");
    Target found =
        address != null
            ? parse(address, "address")
            : parse(named.isEmpty() ? DEFAULT_ADDRESS : named, "WINDLASS_ADDRESS");
    String secret = token != null ? token : environment.get("WINDLASS_TOKEN");
    // The admin's token never leaves the machine by itself.
    if (secret == null) {
      secret = found.isLoopback() ? adminToken(stateDir(environment)) : "";
    }
    secret = secret.strip();
    if (!secret.chars().allMatch(letter -> letter >= ' ' && letter <= '~')) {
      throw new IllegalArgumentException(
          "the token has characters that no token has; give it as `windlass token` printed it");
    }
    return new Target(found.host, found.port, found.secure, secret);
  }

  private static Target parse(String text, String name) {
    try {
      URI url = new URI(text);
      boolean secure = "https".equalsIgnoreCase(url.getScheme());
      boolean known = secure || "http".equalsIgnoreCase(url.getScheme());
      String path = url.getRawPath();
      boolean bare = path == null || path.isEmpty() || path.equals("/");
      boolean extra =
          !bare
              || url.getRawQuery() != null
              || url.getRawFragment() != null
              || url.getRawUserInfo() != null;
      int port = url.getPort() >= 0 ? url.getPort() : secure ? 443 : 80;
      if (known && !extra && url.getHost() != null && port > 0 && port <= 65_535) {
        return new Target(url.getHost().replaceAll("[\\[\\]]", ""), port, secure, "");
      }
    } catch (URISyntaxException notOne) {
      throw notAnAddress(text, name);
    }
    throw notAnAddress(text, name);
  }

  private static IllegalArgumentException notAnAddress(String text, String name) {
    return new IllegalArgumentException(
        name + " \"" + text + "\" is not an address; give one like " + DEFAULT_ADDRESS);
  }

  /** {@code host:port}, an IPv6 address in brackets. */
  String authority() {
    return (host.contains(":") ? "[" + host + "]" : host) + ":" + port;
  }

  /** Whether it can only be this machine. */
  boolean isLoopback() {
    if (host.equalsIgnoreCase("localhost")) {
      return true;
    }
    // Names are not looked up: who answers for them could get the token.
    if (!host.contains(":") && !IPV4.matcher(host).matches()) {
      return false;
    }
    try {
      return InetAddress.getByName(host).isLoopbackAddress();
    } catch (UnknownHostException none) {
      return false;
    }
  }

  /** The folder that a Windlass started without {@code --state-dir} keeps its state in. */
  static Path stateDir(Map<String, String> environment) {
    String given = environment.getOrDefault("WINDLASS_STATE_DIR", "");
    if (!given.isEmpty()) {
      return Path.of(given);
    }
    Path xdg = Path.of(environment.getOrDefault("XDG_STATE_HOME", ""));
    // The XDG rules: a relative path is to be ignored.
    if (xdg.isAbsolute()) {
      return xdg.resolve("windlass");
    }
    String home = environment.getOrDefault("HOME", "");
    Path folder = Path.of(home.isEmpty() ? System.getProperty("user.home") : home);
    return folder.resolve(Path.of(".local", "state", "windlass"));
  }

  private static String adminToken(Path folder) {
    Path path = folder.resolve("admin.token");
    try {
      return Files.readString(path);
    } catch (NoSuchFileException | NotDirectoryException none) {
      return "";
    } catch (IOException error) {
      throw new UncheckedIOException(
          "cannot read " + path + " (" + error.getClass().getSimpleName() + "); set WINDLASS_TOKEN",
          error);
    }
  }
}
