/** Folders of test/ that need more than Node, or the registry: not part of `npm test` (vitest.further.config.ts). */
export const FURTHER_SUITES = [
  "pack",
  "examples",
  "ray",
  "fuzz",
  "prometheus",
  "queue",
  "ocr",
  "interop",
  "clients",
  "browser",
] as const;
