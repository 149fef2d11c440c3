/** Marks on an axis of time. */

const STEPS_S = [1, 2, 5, 10, 30, 60, 120, 300, 600, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400];

/** Where the marks are, seconds from the start, and what they say. `startS` (epoch seconds) makes them times of day, UTC. */
export function timeMarks(
  lengthS: number,
  startS: number | null,
  most: number,
): { readonly atS: number; readonly text: string }[] {
  const days = Math.ceil(lengthS / (86_400 * most));
  const stepS = STEPS_S.find((step) => lengthS / step <= most) ?? 86_400 * days;
  const firstS = startS === null ? 0 : (stepS - (startS % stepS)) % stepS;
  const marks: { atS: number; text: string }[] = [];
  for (let atS = firstS; atS <= lengthS; atS += stepS) {
    marks.push({ atS, text: startS === null ? offset(atS) : timeOfDay(startS + atS, stepS) });
  }
  return marks;
}

/** 0, 90s as 1m30s, 2h, 1d6h. */
function offset(atS: number): string {
  const parts = [
    [Math.floor(atS / 86_400), "d"],
    [Math.floor((atS % 86_400) / 3600), "h"],
    [Math.floor((atS % 3600) / 60), "m"],
    [Math.round(atS % 60), "s"],
  ] as const;
  return (
    parts
      .filter(([value]) => value > 0)
      .map(([value, unit]) => `${value}${unit}`)
      .join("") || "0"
  );
}

function timeOfDay(epochS: number, stepS: number): string {
  const iso = new Date(epochS * 1000).toISOString();
  if (stepS >= 86_400) return iso.slice(0, 10);
  return stepS < 60 ? iso.slice(11, 19) : iso.slice(11, 16);
}
