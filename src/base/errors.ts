/** Every way Graft fails, with the exit code of the command line and the status of the server. */
export const errorCodes = {
  /** The request itself is wrong: an unknown option, a value out of range. */
  usage: { exit: 2, http: 400 },
  /** A file or folder is missing, unreadable or not what it claims to be. */
  input: { exit: 1, http: 422 },
  /** Labels, splits or sizes of a data set do not allow what was asked. */
  data: { exit: 1, http: 422 },
  /** Shapes or types in a graph do not fit. */
  shape: { exit: 1, http: 422 },
  /** A model file or graph holds something Graft cannot work with. */
  model: { exit: 1, http: 422 },
  /** Training produced a value that is not a number. */
  diverged: { exit: 1, http: 422 },
  /** Another machine cannot be reached, or refuses. */
  network: { exit: 1, http: 502 },
  /** Disk, memory or runtime gave way. */
  system: { exit: 1, http: 500 },
  /** The user stopped the work. */
  interrupted: { exit: 130, http: 499 },
} as const satisfies Record<string, { readonly exit: number; readonly http: number }>;

export type ErrorCode = keyof typeof errorCodes;

/** An error for a person to act on: what was found, what was expected, what to do. */
export class GraftError extends Error {
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, options?: { readonly cause?: unknown }) {
    super(message, options);
    this.name = "GraftError";
    this.code = code;
  }

  get exitCode(): number {
    return errorCodes[this.code].exit;
  }
}

/** The text of anything that was thrown. */
export function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}

/** The candidate closest to `word` by edit distance, or nothing when none is near (over a third of the word differs). */
export function nearest(word: string, candidates: Iterable<string>): string | undefined {
  let best: string | undefined;
  let bestDistance = Math.max(2, Math.floor(word.length / 3)) + 1;
  for (const candidate of candidates) {
    const distance = editDistance(word.toLowerCase(), candidate.toLowerCase());
    if (distance < bestDistance) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best;
}

/** ` Did you mean "x"?`, or an empty string when nothing is near. */
export function didYouMean(word: string, candidates: Iterable<string>): string {
  const near = nearest(word, candidates);
  return near === undefined ? "" : ` Did you mean "${near}"?`;
}

function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const substitution = (row[j - 1] as number) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(substitution, (row[j] as number) + 1, (next[j - 1] as number) + 1));
    }
    row = next;
  }
  return row[b.length] as number;
}
