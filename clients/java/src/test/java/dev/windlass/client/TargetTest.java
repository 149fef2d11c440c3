package dev.windlass.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class TargetTest {
  @TempDir Path folder;

  @ParameterizedTest
  @CsvSource({
    "http://127.0.0.1:8265, 127.0.0.1:8265, false, true",
    "http://localhost, localhost:80, false, true",
    "HTTPS://windlass.example/, windlass.example:443, true, false",
    "http://[::1]:9, [::1]:9, false, true",
    "http://10.0.0.1:9, 10.0.0.1:9, false, false",
    "http://127.0.0.1.example:9, 127.0.0.1.example:9, false, false",
  })
  @DisplayName("an address is read")
  void reads(String address, String authority, boolean secure, boolean loopback) {
    Target target = Target.find(address, "t", Map.of());
    assertEquals(authority, target.authority());
    assertEquals(secure, target.secure());
    assertEquals(loopback, target.isLoopback());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "127.0.0.1:8265",
        "ftp://host",
        "http://",
        "http://host:x",
        "http://host:70000",
        "http://host:0",
        "http://host/path",
        "http://host?q",
        "http://user@host",
        "http://ho st",
      })
  @DisplayName("what is no address is refused in one line that names it")
  void refuses(String address) {
    String message =
        assertThrows(IllegalArgumentException.class, () -> Target.find(address, "t", Map.of()))
            .getMessage();
    assertEquals(
        "address \"" + address + "\" is not an address; give one like http://127.0.0.1:8265",
        message);
  }

  @Test
  @DisplayName("the environment is taken where nothing is given")
  void environment() {
    Map<String, String> environment =
        Map.of("WINDLASS_ADDRESS", "https://there:1", "WINDLASS_TOKEN", " secret\n");
    Target target = Target.find(null, null, environment);
    assertEquals(new Target("there", 1, true, "secret"), target);
    assertEquals("given", Target.find(null, "given", environment).token());
    assertEquals("", Target.find(null, "", environment).token());
  }

  @Test
  @DisplayName("on a loopback address the admin's token is found, and sent nowhere else")
  void adminToken() throws IOException {
    Files.writeString(folder.resolve("admin.token"), "admin\n");
    Map<String, String> environment = Map.of("WINDLASS_STATE_DIR", folder.toString());
    assertEquals("admin", Target.find(null, null, environment).token());
    assertEquals("", Target.find("http://there", null, environment).token());
    assertEquals("", Target.find(null, "", environment).token());
  }

  @Test
  @DisplayName("the state dir is XDG's where that is absolute, else below the home")
  void stateDir() {
    assertEquals(
        Path.of("/s/windlass"), Target.stateDir(Map.of("XDG_STATE_HOME", "/s", "HOME", "/h")));
    assertEquals(
        Path.of("/h/.local/state/windlass"),
        Target.stateDir(Map.of("XDG_STATE_HOME", "s", "HOME", "/h")));
    Map<String, String> nowhere = Map.of("WINDLASS_STATE_DIR", folder.resolve("no").toString());
    assertEquals("", Target.find(null, null, nowhere).token());
  }

  @Test
  @DisplayName("a token that cannot be sent is refused, and not told")
  void badToken() {
    String message =
        assertThrows(
                IllegalArgumentException.class, () -> Target.find(null, "s\u00e9cret", Map.of()))
            .getMessage();
    assertTrue(!message.contains("cret"), message);
  }
}
