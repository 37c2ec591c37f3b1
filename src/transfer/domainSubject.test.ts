import { describe, expect, it } from "vitest";
import { sequentialNetwork } from "../nn/network.ts";
import type { TrainingData } from "../train/data.ts";
import { type DomainSubject, scratchSubject, sourceSubject } from "./domainSubject.ts";

const nothing: TrainingData = {
  count: 0,
  inputShape: [28, 28, 3],
  inputDType: "uint8",
  targets: { kind: "classes", labels: new Int32Array(0) },
  load: () => Promise.reject(new Error("there are no images")),
};
const data = { source: nothing, held: nothing, target: nothing, classes: 3, classWeights: undefined };

function parametersOf({ extractor, data: { source } }: DomainSubject) {
  return sequentialNetwork(extractor("source"), source.inputShape).parameters.list;
}

describe("a small CNN on the pixels of two domains", () => {
  const both = parametersOf(scratchSubject(data));
  const alone = parametersOf(sourceSubject(scratchSubject(data)));
  const isStatistic = ({ path }: { readonly path: string }) => /moving(Mean|Variance)$/.test(path);

  it("normalises each by its own statistics, and where it learns the source alone not at all", () => {
    expect(both.filter(isStatistic).map(({ shape }) => shape[0])).toEqual([2, 2, 2, 2, 2, 2]);
    expect(alone.filter(isStatistic)).toEqual([]);
  });

  it("is the same network otherwise", () => {
    const shapes = (list: typeof both) =>
      list.filter(({ path }) => !path.includes("normalization")).map(({ shape }) => shape);
    expect(shapes(alone)).toEqual(shapes(both));
  });
});
