/** One line of `windlass logs` in parts; the replica is null where the line does not say it. */
export interface LogLine {
  readonly deployment: string | null;
  readonly replica: string | null;
  readonly text: string;
}

/** The parts of a line `deployment/replica text`, with or without its line end. */
export function logLine(line: string): LogLine {
  const text = line.replace(/\r?\n$/, "");
  const [, deployment, replica, rest] = /^(.*?)\/(\w+) (.*)$/s.exec(text) ?? [];
  if (deployment === undefined || replica === undefined || rest === undefined) {
    return { deployment: null, replica: null, text };
  }
  return { deployment, replica, text: rest };
}
