import { describe, expect, it } from "vitest";
import { type ReadColumn, readTargets, type TargetWish } from "./targetColumns.ts";

/** Reads columns of a file whose header is line 1. */
function read(text: string, wishes: readonly TargetWish[]): readonly ReadColumn[] {
  const [header = [], ...rows] = text.split("\n").map((line) => line.split(","));
  const body = rows.map((cells, i) => ({ cells, line: i + 2 }));
  return readTargets(header, body, wishes, "labels.csv");
}

/** A file with one column of these cells beside the paths. */
const column = (cells: readonly string[]) => ["path,x", ...cells.map((cell, i) => `${i}.jpg,${cell}`)].join("\n");

describe("columns of labels", () => {
  it("are classes in alphabetical order, or numbers; empty cells are missing labels", () => {
    const [kind, weight] = read("path,Kind,weight\na,pear,1.5\nb,,\nc, apple ,-2e1", [
      { name: "kind" },
      { name: "weight" },
    ]);
    expect(kind).toEqual({
      column: { kind: "classes", name: "Kind", labels: ["apple", "pear"] },
      values: [1, undefined, 0],
    });
    expect(weight).toEqual({ column: { kind: "number", name: "weight" }, values: [1.5, undefined, -20] });
  });

  it.each([
    ["few whole numbers are names of classes", ["0", "1", "2", "1"], "classes"],
    ["more than ten different ones are numbers", Array.from({ length: 11 }, (_, i) => `${i}`), "number"],
    ["one with a fraction makes numbers", ["1", "2.5", "1"], "number"],
    ["words are classes, also beside a few numbers", ["1.5", "many", "few", "none"], "classes"],
  ] as const)("%s", (_, cells, kind) => {
    expect(read(column(cells), [{ name: "x" }])[0]?.column.kind).toBe(kind);
  });

  it("are what they are said to be", () => {
    expect(read(column(["1", "2"]), [{ name: "x", kind: "number" }])[0]?.values).toEqual([1, 2]);
    expect(read(column(["1.5", "2.5"]), [{ name: "x", kind: "classes" }])[0]?.column).toMatchObject({
      labels: ["1.5", "2.5"],
    });
  });

  it.each([
    [
      "an unknown one",
      { name: "kin" },
      /"labels.csv" has no column "kin"; it has kind, weight\. Did you mean "kind"\?/,
    ],
    ["one that says where images are", { name: "path" }, /"path" of "labels.csv" says where images are/],
    [
      "a cell that is no number",
      { name: "weight", kind: "number" },
      /"labels.csv", line 3: "heavy" in the column "weight"/,
    ],
    [
      "a mostly numeric one with a word in it",
      { name: "weight" },
      /line 3: "heavy".* is not a number, as 3 other cells.*"weight:classes"/,
    ],
  ] as const)("refuse %s", (_, wish, message) => {
    const text = "path,kind,weight\na,x,1.5\nb,y,heavy\nc,x,2.5\nd,y,3.5";
    expect(() => read(text, [wish])).toThrow(message);
  });

  it.each(["NaN", "nan", "inf", "-Infinity", "1e999", "1e39", "0x10", "1;5"])(
    "refuse %s as a number, with its line",
    (cell) => {
      expect(() => read(column(["1.5", cell]), [{ name: "x", kind: "number" }])).toThrow(
        /"labels.csv", line 3: .* not a finite number.*Leave the cell empty/,
      );
    },
  );

  it("refuse one that is listed twice, however it is written", () => {
    expect(() => read(column(["a", "b"]), [{ name: "x" }, { name: "X" }])).toThrow(/"X" is listed twice/);
  });

  it("pass over an optional one that is not there, if there is another", () => {
    const optional = { isOptional: true };
    const found = read(column(["a", "b"]), [
      { name: "x", ...optional },
      { name: "y", ...optional },
    ]);
    expect(found.map((one) => one.column.name)).toEqual(["x"]);
    expect(() => read(column(["a", "b"]), [{ name: "y", ...optional }])).toThrow(/has no column "y"/);
  });
});
