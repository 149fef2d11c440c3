/**
 * Deploys, scales and watches applications on Windlass: begin at {@link
 * dev.windlass.client.WindlassClient}.
 *
 * <p>Messages and stubs of the API are in {@code dev.windlass.v1}, configs in {@code
 * dev.windlass.config.v1}; both are generated.
 */
package dev.windlass.client;
