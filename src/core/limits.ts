/** The largest body of a scale call, in bytes, on every port: a target and some words. */
export const MAX_SCALE_BODY_BYTES = 1024 * 1024;
