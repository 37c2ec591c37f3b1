import { describe, expect, it } from "vitest";
import type { TargetColumn, TargetValue } from "../data/targetColumns.ts";
import { checkColumns } from "./headTargetsOf.ts";

/** Checks one column with these values. */
function check(column: TargetColumn, values: readonly TargetValue[]): void {
  const samples = values.map((value, i) => ({ id: `${i}.jpg`, label: -1, targets: [value] }));
  checkColumns(
    { description: "", labels: [], targets: [column], samples, problems: [], async *read() {} },
    "labels.csv",
  );
}

const kind = { kind: "classes", name: "kind", labels: ["a", "b"] } as const;
const weight = { kind: "number", name: "weight" } as const;

describe("columns of which nothing can be learned", () => {
  it.each([
    [
      "one class",
      kind,
      [1, undefined, 1],
      /"kind" of "labels.csv" has the class "b" in all its labels; expected two classes/,
    ],
    [
      "one number",
      weight,
      [2.5, 2.5],
      /"weight" of "labels.csv" has the number 2.5 in all its labels; expected numbers that/,
    ],
    ["no label", weight, [undefined, undefined], /has no label at all/],
    [
      "a name that the history has",
      { ...weight, name: "val_kind" },
      [1, 2],
      /called as figures on validation images are\. Rename it/,
    ],
    [
      "the name of the model's input",
      { ...weight, name: "image" },
      [1, 2],
      /called as the model's input is\. Rename it/,
    ],
  ] as const)("are refused: %s", (_, column, values, message) => {
    expect(() => check(column, values)).toThrow(message);
  });

  it("are none that have two labels", () => {
    expect(() => check(kind, [0, undefined, 1])).not.toThrow();
    expect(() => check(weight, [1, 2])).not.toThrow();
  });
});
