import { describe, expect, it } from "vitest";
import { checkClasses, commonImages } from "./commonImages.ts";
import type { JudgedRun } from "./judgedRun.ts";

/** A run that answered some images of the validation part, hash to [label, answer]. */
function run(
  path: string,
  validation: Readonly<Record<string, readonly [string, string]>>,
  { trained = [], labels = ["ant", "bee"] }: { trained?: readonly string[]; labels?: readonly string[] } = {},
): JudgedRun {
  const entries = Object.entries(validation).map(
    ([hash, [label, answer]]) => [hash, { image: `${hash}.png`, label, answer }] as const,
  );
  return { path, labels, trained: new Set(trained), parts: new Map([["validation", new Map(entries)]]) };
}

const first = run("a", { h1: ["ant", "ant"], h2: ["bee", "ant"], h3: ["bee", "bee"] });

describe("images in common", () => {
  it("are paired by content, in any order", () => {
    const second = run("b", { h3: ["bee", "ant"], h1: ["ant", "ant"], h2: ["bee", "bee"] });
    expect(commonImages([first, second], "validation")).toEqual({
      part: "validation",
      truth: ["ant", "bee", "bee"],
      answers: [
        ["ant", "ant", "bee"],
        ["ant", "bee", "ant"],
      ],
      warnings: [],
    });
  });

  it("are what all runs answered, and it says how many each did", () => {
    const second = run("b", { h2: ["bee", "bee"], h9: ["ant", "ant"] });
    const common = commonImages([first, second], "validation");
    expect(common?.truth).toEqual(["bee"]);
    expect(common?.warnings).toEqual([
      'the runs have other images as validation ("a" 3, "b" 2): only the 1 that they share are compared',
    ]);
  });

  it("are none that one of the runs was trained on, be it under another name", () => {
    const second = run("b", { h1: ["ant", "ant"], h2: ["bee", "bee"], h3: ["bee", "bee"] }, { trained: ["h2", "h7"] });
    const common = commonImages([first, second], "validation");
    expect(common?.truth).toEqual(["ant", "bee"]);
    expect(common?.warnings).toEqual(['"b" was trained on 1 of the 3 images of validation ("h2.png"): left out']);
  });

  it("have one label", () => {
    const second = run("b", { h1: ["bee", "bee"], h2: ["bee", "bee"], h3: ["bee", "bee"] });
    const common = commonImages([first, second], "validation");
    expect(common?.truth).toEqual(["bee", "bee"]);
    expect(common?.warnings).toEqual(["images of validation that the runs know by different labels: 1, left out"]);
  });

  it("are nothing in a part that a run does not have", () => {
    expect(commonImages([first, first], "test")).toBeUndefined();
  });
});

describe("classes", () => {
  it("may stand in another order", () => {
    expect(() => checkClasses([first, run("b", {}, { labels: ["bee", "ant"] })])).not.toThrow();
  });

  it("must be the same", () => {
    expect(() => checkClasses([first, run("b", {}, { labels: ["ant", "wasp"] })])).toThrow(
      'compare: "b" has other classes than "a": it lacks "bee" and knows "wasp" besides. Compare runs of the same classes.',
    );
  });
});
