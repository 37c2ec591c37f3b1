import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { stream } from "../base/random.ts";
import { headNames } from "../transfer/strategy.ts";
import { circumstancesOf, drawTrials } from "./drawTrials.ts";
import { parseSpace, spaceText } from "./parseSpace.ts";
import { drawFrom } from "./searchRange.ts";
import { dimensionOf, searchedStrategies, usualSpace } from "./searchSpace.ts";
import { trainSchema } from "./trainInput.ts";

const onFeatures = { strategy: "feature-extraction", head: "linear" } as const;
const nothing = new Set<string>();

describe("a space", () => {
  it.each(searchedStrategies)("%s has one of its own, within the limits of train and of use to it", (strategy) => {
    const circumstances = { ...onFeatures, strategy };
    const space = usualSpace(strategy, nothing);
    expect(space.size).toBeGreaterThan(1);
    // The parser checks names, limits and use.
    expect(parseSpace(spaceText(space), circumstances)).toEqual(space);
  });

  it("leaves out what the user has fixed", () => {
    expect([...usualSpace("feature-extraction", new Set(["head", "data"])).keys()]).not.toContain("head");
  });

  it("reads lists and ranges, on the command line as in JSON, in the order of the table", () => {
    const space = parseSpace("learningRate=1e-4..1e-2, head=linear|mlp ,optimizer=adam|sgd,epochs=5..30", onFeatures);
    expect([...space]).toEqual([
      ["head", { kind: "choices", values: ["linear", "mlp"] }],
      ["learningRate", { kind: "log", low: 1e-4, high: 1e-2, isWhole: false }],
      ["epochs", { kind: "linear", low: 5, high: 30, isWhole: true }],
      ["optimizer", { kind: "choices", values: ["adam", "sgd"] }],
    ]);
    expect(parseSpace(spaceText(space), onFeatures)).toEqual(space);
    const augmented = parseSpace('{"augment": ["none", "horizontalFlip,rotationRange=15"]}', onFeatures);
    expect(augmented.get("augment")).toEqual({ kind: "choices", values: ["none", "horizontalFlip,rotationRange=15"] });
  });

  it.each([
    ["lerningRate=1e-4..1e-2", /unknown option "lerningRate"\. Did you mean "learningRate"\?/],
    ["seed=1..5", /"seed" cannot be searched/],
    ["learningRate=1e-2..1e-4", /range of "learningRate", 1e-2..1e-4, is empty: 0.01 is not below 0.0001/],
    ["penalty=0..1", /"penalty" cannot be 0/],
    ["penalty=1..5000", /"penalty" cannot be 5000: .*1000/],
    ["epochs=1.5..3,head=mlp", /"epochs" cannot be 1.5: .*int/],
    ["head=linaer|mlp", /"head" cannot be linaer: .* Did you mean "linear"\?/],
    ["head=a..b", /"head" takes single values/],
    ["penalty=|", /range of "penalty" is empty/],
    ["penalty=a..b", /"penalty": found "a", expected a number/],
    ["penalty", /"penalty" is no option with its range/],
    ["{}", /names no option/],
    ["{penalty}", /is not JSON/],
    ['{"penalty": {"from": 1}}', /"penalty" must be a list of values or a range/],
    ["learningRate=1e-4..1e-2", /"learningRate" makes no difference with strategy feature-extraction and head linear/],
    ["mixup=0|0.2", /"mixup" makes no difference with strategy feature-extraction/],
  ])("refuses %s with the reason", (text, message) => {
    expect(() => parseSpace(text, onFeatures)).toThrow(message);
  });

  it("says that a logarithm has no zero", () => {
    expect(() => parseSpace("l2sp=0..0.1", { ...onFeatures, strategy: "fine-tune" })).toThrow(
      /begins above 0.*l2sp=0\|0.1/,
    );
  });
});

describe("draws", () => {
  it("lie within their range, whole where they must be", () => {
    const ends = fc.tuple(
      fc.double({ min: 1e-6, max: 1e3, noNaN: true }),
      fc.double({ min: 1.01, max: 1e4, noNaN: true }),
    );
    fc.assert(
      fc.property(
        ends,
        fc.boolean(),
        fc.constantFrom("linear", "log"),
        fc.nat(),
        ([low, factor], isWhole, kind, seed) => {
          const [from, to] = isWhole ? [Math.ceil(low), Math.ceil(low * factor) + 1] : [low, low * factor];
          const value = Number(drawFrom({ kind, low: from, high: to, isWhole }, stream(seed, "draw")));
          expect(value).toBeGreaterThanOrEqual(from);
          expect(value).toBeLessThanOrEqual(to);
          if (isWhole) expect(Number.isInteger(value)).toBe(true);
        },
      ),
    );
  });

  it("spread evenly in the logarithm, and give each whole number its share", () => {
    const count = 4000;
    const draws = (range: Parameters<typeof drawFrom>[0]) =>
      Array.from({ length: count }, (_, i) => Number(drawFrom(range, stream(0, "draw", i))));
    const small = draws({ kind: "log", low: 1e-4, high: 1e-2, isWhole: false }).filter((one) => one < 1e-3).length;
    // Four standard deviations of a binomial of one half.
    expect(Math.abs(small - count / 2)).toBeLessThan(4 * Math.sqrt(count / 4));
    const ones = draws({ kind: "linear", low: 1, high: 4, isWhole: true }).filter((one) => one === 1).length;
    expect(Math.abs(ones - count / 4)).toBeLessThan(4 * Math.sqrt((count * 3) / 16));
  });
});

describe("trials", () => {
  const space = usualSpace("feature-extraction", nothing);

  it("begin with the settings as they were, are all different, and are a beginning of more of them", () => {
    const many = drawTrials(space, onFeatures, { count: 60, seed: 3 });
    expect(many[0]).toEqual({ number: 1, values: {} });
    expect(new Set(many.map(({ values }) => JSON.stringify(values))).size).toBe(60);
    expect(drawTrials(space, onFeatures, { count: 20, seed: 3 })).toEqual(many.slice(0, 20));
    expect(drawTrials(space, onFeatures, { count: 20, seed: 4 })).not.toEqual(many.slice(0, 20));
    expect(new Set(many.slice(1).map(({ values }) => values.head))).toEqual(new Set(headNames));
  });

  it.each(searchedStrategies)("of %s name the options that make a difference to them, and no others", (strategy) => {
    const given = { ...onFeatures, strategy };
    const own = usualSpace(strategy, nothing);
    for (const { values } of drawTrials(own, given, { count: 40, seed: 0 }).slice(1)) {
      expect(trainSchema.safeParse(values).success).toBe(true);
      const useful = [...own.keys()].filter((name) => dimensionOf(name).applies(circumstancesOf(values, given)));
      expect(Object.keys(values)).toEqual(useful);
    }
  });

  it("end where a small space has no more", () => {
    const few = parseSpace("head=prototype|knn", onFeatures);
    expect(drawTrials(few, onFeatures, { count: 50, seed: 0 })).toHaveLength(3);
  });
});
