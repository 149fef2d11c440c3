package dev.windlass.client;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

class ResourceNamesTest {
  @Test
  @DisplayName("the parts of a name are escaped")
  void escapes() {
    assertEquals("applications/my%20app", ResourceNames.application("my app"));
    assertEquals(
        "applications/a-_.!~*'()%25/deployments/%C3%A9%F0%9F%98%80",
        ResourceNames.deployment("a-_.!~*'()%", "\u00e9\ud83d\ude00"));
  }
}
