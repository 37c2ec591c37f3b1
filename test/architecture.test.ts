import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { describe, expect, it } from "vitest";

const layers: readonly (readonly string[])[] = JSON.parse(readFileSync("layers.json", "utf8"));
const level = new Map(layers.flatMap((rooms, i) => rooms.map((room): [string, number] => [room, i])));
const files = readdirSync("src", { recursive: true, encoding: "utf8" })
  .filter((file) => file.endsWith(".ts") && !/\.(test|fixture|d)\.ts$/.test(file))
  .sort();

interface Import {
  readonly from: string;
  readonly to: string;
  readonly line: number;
  /** Erased before the program runs: two files may name each other's types. */
  readonly typeOnly: boolean;
}

const imports: readonly Import[] = files.flatMap((from) => importsOf(from));

describe("the rooms", () => {
  it("are all listed in layers.json", () => {
    const rooms = new Set(files.map(roomOf));
    expect([...rooms].filter((room) => !level.has(room))).toEqual([]);
  });

  it("import only downward, never sideways", () => {
    const wrong = imports.filter(({ from, to }) => roomOf(from) !== roomOf(to) && levelOf(to) >= levelOf(from));
    expect(wrong.map(({ from, to, line }) => `src/${from}:${line} imports src/${to}`)).toEqual([]);
  });

  it("have no import cycles", () => {
    expect(findCycle()).toBe(undefined);
  });
});

function importsOf(from: string): Import[] {
  return readFileSync(join("src", from), "utf8")
    .split("\n")
    .flatMap((text, i) => {
      const target = /(?:from|import\()\s*"(\.[^"]+)"/.exec(text)?.[1];
      if (target === undefined) return [];
      const to = relative("src", resolve("src", dirname(from), target));
      return [{ from, to, line: i + 1, typeOnly: /^\s*(import|export) type /.test(text) }];
    });
}

function roomOf(file: string): string {
  return file.split("/")[0] ?? "";
}

function levelOf(file: string): number {
  return level.get(roomOf(file)) ?? -1;
}

function findCycle(): string | undefined {
  const targets = new Map<string, string[]>();
  for (const { from, to, typeOnly } of imports) if (!typeOnly) targets.set(from, [...(targets.get(from) ?? []), to]);
  const done = new Set<string>();
  const visit = (file: string, path: readonly string[]): string | undefined => {
    if (path.includes(file)) return [...path.slice(path.indexOf(file)), file].join(" → ");
    if (done.has(file)) return undefined;
    for (const target of targets.get(file) ?? []) {
      const cycle = visit(target, [...path, file]);
      if (cycle !== undefined) return cycle;
    }
    done.add(file);
    return undefined;
  };
  for (const file of files) {
    const cycle = visit(file, []);
    if (cycle !== undefined) return cycle;
  }
  return undefined;
}
