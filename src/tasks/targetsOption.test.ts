import { expect, it } from "vitest";
import { parseTargets } from "./targetsOption.ts";

it("names columns, what they hold, and what they count", () => {
  expect(parseTargets("kind, weight_g:number*0.5 ,grade:classes,ripe*2")).toEqual([
    { name: "kind", kind: undefined, weight: undefined },
    { name: "weight_g", kind: "number", weight: 0.5 },
    { name: "grade", kind: "classes", weight: undefined },
    { name: "ripe", kind: undefined, weight: 2 },
  ]);
});

it.each([
  ["", /found ""; expected names of columns/],
  ["kind,,ripe", /found ""/],
  ["kind,kind:classes", /"kind" is listed twice/],
  ["weight_g:numbr", /classes or number, not "numbr".*Did you mean "number"\?/],
  ["kind*0", /"kind\*0": the weight must be a number above 0/],
  ["kind*", /the weight must be a number above 0/],
  ["kind*much", /the weight must be a number above 0/],
])("refuses %j", (text, message) => {
  expect(() => parseTargets(text)).toThrow(message);
});
