import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { expect, it } from "vitest";

const readme = readFileSync("README.md", "utf8");

it("the README's code runs as it stands", () => {
  const snippet = /```ts\n([\s\S]*?)```/.exec(readme)?.[1] ?? "";
  expect(snippet).toContain("model.fit");
  const ownLoss = /```js\n(import \{ classTargets[\s\S]*?)```/.exec(readme)?.[1] ?? "";
  expect(ownLoss).toContain("loss: weightedSum");
  // Tiny arrays stand in for a user's data, two epochs for ten.
  const data = `const digits = (n) => ({ x: Float32Array.from({ length: n * 784 }, (_, i) => (i % 7) / 7), y: Int32Array.from({ length: n }, (_, i) => i % 10) });
    const { x, y } = digits(20), { x: xVal, y: yVal } = digits(10), { x: xTest, y: yTest } = digits(10);`;
  const code = `${data}
    ${snippet.replace("epochs: 10", "epochs: 2")}
    ${ownLoss}
    const own = await model.fit({ x, y });
    console.log(history.history.loss.length, own.history.loss.every(Number.isFinite));`;
  const out = execFileSync(process.execPath, ["--input-type=module", "--eval", code], { encoding: "utf8" });
  expect(out).toContain('Model: "sequential"');
  expect(out.trim().endsWith("2 true")).toBe(true);
});

it("the README names every command", () => {
  for (const name of [
    "train",
    "predict",
    "evaluate",
    "report",
    "compare",
    "preview",
    "lr-find",
    "rank",
    "doctor",
    "demo",
    "serve",
  ])
    expect(readme).toContain(`npx graft ${name}`);
});
