import { describe, expect, it } from "vitest";
import { stream } from "../base/random.ts";
import { type Boosted, tradaboost } from "./tradaboost.ts";

/** Two classes on a line, cut at zero: 20 target rows, and 60 source rows of which the last 20 carry the wrong label. */
const [targets, sources, mislabelled] = [20, 60, 20];
const values = Float64Array.from({ length: targets + sources }, (_, row) => {
  const size = stream(2, "line", 0, row).uniform(0.1, 1);
  return row % 2 === 0 ? size : -size;
});
const labels = Array.from(values, (value, row) => {
  const truth = Number(value > 0);
  return row < targets + sources - mislabelled ? truth : 1 - truth;
});

interface Stump {
  readonly cut: number;
  /** The class above the cut. */
  readonly above: number;
}

const answersOf = ({ cut, above }: Stump) => Int32Array.from(values, (value) => (value > cut ? above : 1 - above));

/** The stump with the least weighted error. */
async function stump(weights: Float64Array) {
  let best = { cut: 0, above: 1 };
  let least = Infinity;
  for (const cut of values) {
    for (const above of [0, 1]) {
      const answers = answersOf({ cut, above });
      const error = weights.reduce((sum, weight, row) => sum + (answers[row] === labels[row] ? 0 : weight), 0);
      if (error < least) [least, best] = [error, { cut, above }];
    }
  }
  return { hypothesis: best, answers: answersOf(best) };
}

async function run<H>(work: AsyncGenerator<unknown, Boosted<H>>): Promise<Boosted<H>> {
  for (;;) {
    const next = await work.next();
    if (next.done) return next.value;
  }
}

const mean = (rows: Float64Array) => rows.reduce((a, b) => a + b, 0) / rows.length;

describe("TrAdaBoost", () => {
  it("lets source rows fade that contradict the target, and keeps the others", async () => {
    const { sourceWeights } = await run(tradaboost(labels, { classes: 2, targets, rounds: 10 }, stump));
    const right = sourceWeights.subarray(0, sources - mislabelled);
    const wrong = sourceWeights.subarray(sources - mislabelled);
    // β = 1/(1 + √(2 ln 60 / 10)) = 0.525: four rounds, as many as come before those that vote, leave 0.076 of a row that is always wrong.
    // The first stumps may give way to a few of the twenty.
    expect(mean(wrong)).toBeLessThan(0.1);
    expect(mean(right)).toBeGreaterThan(0.9);
  });

  it("votes with the later half of the rounds, in shares that sum to one", async () => {
    const { votes, errors } = await run(tradaboost(labels, { classes: 2, targets, rounds: 7 }, stump));
    expect(errors).toHaveLength(7);
    // ⌈7/2⌉ … 7
    expect(votes).toHaveLength(4);
    expect(votes.reduce((sum, { share }) => sum + share, 0)).toBeCloseTo(1, 12);
    const wrong = labels.slice(0, targets).filter((label, row) => {
      const ones = votes.reduce((sum, { hypothesis, share }) => sum + share * (answersOf(hypothesis)[row] ?? 0), 0);
      return Number(ones > 0.5) !== label;
    });
    expect(wrong).toEqual([]);
  });

  it("weighs as its equations say: one round, worked out by hand", async () => {
    // Four target rows of three classes, the last one answered wrong; two source rows, the second wrong.
    const truth = [0, 1, 2, 0, 1, 2];
    const seen: Float64Array[] = [];
    const work = tradaboost(truth, { classes: 3, targets: 4, rounds: 2 }, async (weights) => {
      seen.push(weights);
      return { hypothesis: seen.length, answers: [0, 1, 2, 1, 1, 0] };
    });
    const { errors, sourceWeights, votes } = await run(work);
    // ε = 1/4, α = ln 3 + ln 2 = ln 6; the target's weight grows from 4 to 3 + 6 = 9, C = 9/4 = 3·(1 − ε).
    const beta = 1 / (1 + Math.sqrt((2 * Math.log(2)) / 2));
    const raw = [1, 1, 1, 6, 9 / 4, (9 / 4) * beta];
    const total = raw.reduce((a, b) => a + b, 0);
    for (const [row, weight] of raw.entries()) expect(seen[1]?.[row]).toBeCloseTo(weight / total, 12);
    expect(errors[0]).toBeCloseTo(1 / 4, 12);
    expect(errors[1]).toBeCloseTo(6 / 9, 12);
    // At ε = 2/3, what guessing among three classes does, a round has no say: the first one alone votes, in which all counted the same.
    expect(votes[0]?.share).toBeCloseTo(1, 12);
    for (const weight of sourceWeights) expect(weight).toBeCloseTo(1, 12);
  });

  it("goes on where every answer is right: a perfect round counts as half a row wrong", async () => {
    const work = tradaboost([0, 1, 0, 1], { classes: 2, targets: 2, rounds: 4 }, async () => ({
      hypothesis: "all",
      answers: [0, 1, 0, 1],
    }));
    const { sourceWeights, votes } = await run(work);
    expect([...sourceWeights]).toEqual([1, 1]);
    for (const { share } of votes) expect(share).toBeCloseTo(1 / votes.length, 12);
  });

  it("still answers where no round is better than guessing", async () => {
    const work = tradaboost([0, 1, 0, 1], { classes: 2, targets: 2, rounds: 4 }, async () => ({
      hypothesis: "none",
      answers: [1, 0, 1, 0],
    }));
    const { votes, sourceWeights } = await run(work);
    expect(votes.reduce((sum, { share }) => sum + share, 0)).toBeCloseTo(1, 12);
    expect([...sourceWeights].every((weight) => Number.isFinite(weight))).toBe(true);
  });
});
