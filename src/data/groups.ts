import { GraftError, messageOf } from "../base/errors.ts";
import type { Source } from "./source.ts";

/**
 * Gives each sample the group that `pattern` finds in its id: the first capture, or the whole match.
 * Throws `data` naming the first sample that does not match, `usage` for a broken pattern.
 */
export function groupByPattern(source: Source, pattern: string): Source {
  const expression = compile(pattern);
  const samples = source.samples.map((sample) => {
    const match = expression.exec(sample.id);
    if (match !== null) return { ...sample, group: match[1] ?? match[0] };
    throw new GraftError(
      "data",
      `--group ${pattern}: "${sample.id}" does not match. The expression must match every path.`,
    );
  });
  const byId = new Map(samples.map((sample) => [sample.id, sample]));
  return {
    ...source,
    samples,
    async *read(ids) {
      for await (const { sample, image } of source.read(ids)) yield { sample: byId.get(sample.id) ?? sample, image };
    },
  };
}

function compile(pattern: string): RegExp {
  try {
    return new RegExp(pattern);
  } catch (error) {
    throw new GraftError("usage", `--group: "${pattern}" is not a regular expression: ${messageOf(error)}.`);
  }
}
