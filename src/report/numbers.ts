import type { Interval } from "../metrics/wilson.ts";

/** `97.4 %`. */
export function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}

/** `94.4–99.3 %`. */
export function percentRange({ lower, upper }: Interval): string {
  return `${(100 * lower).toFixed(1)}–${(100 * upper).toFixed(1)} %`;
}

/** Three decimals; a dash for what is not defined. */
export function fixed(value: number | undefined): string {
  return value === undefined || !Number.isFinite(value) ? "–" : value.toFixed(3);
}

/** `1 image`, `2 images`, `12,000 images`. */
export function counted(count: number, noun: string, plural = `${noun}s`): string {
  return `${count.toLocaleString("en")} ${count === 1 ? noun : plural}`;
}

/** The first few in quotes, and how many more there are. */
export function namedSome(names: readonly string[], total = names.length, limit = 5): string {
  const shown = names.slice(0, limit).map((name) => `"${name}"`);
  return [...shown, ...(total > shown.length ? [`and ${(total - shown.length).toLocaleString("en")} more`] : [])].join(
    ", ",
  );
}

/** `0.84 s`, `12 s`, `3 min 20 s`, `2 h 5 min`. */
export function duration(seconds: number): string {
  if (seconds < 10) return `${seconds.toFixed(seconds < 1 ? 2 : 1)} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  return `${Math.floor(whole / 3600)} h ${Math.round((whole % 3600) / 60)} min`;
}
