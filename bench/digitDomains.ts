import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp, { type Sharp } from "sharp";
import { stream } from "../src/base/random.ts";
import type { Spread } from "../src/metrics/spread.ts";
import type { Platform } from "../src/platform/platform.ts";
import { type Digits, loadDigits } from "../src/tasks/digits.ts";

const side = 28;
const pixelCount = side * side;
/** Source and target share no digit. */
const digitsOfEach = 3000;
const blurSigma = 2;
/** Of the two colours of a digit, in levels of one channel at least. */
const leastContrast = 100;

/** What becomes of a digit's levels, 0–255: an image of as many pixels in one channel or three. */
type Domain = (levels: Uint8Array, digit: number) => Sharp;

const domains: Readonly<Record<string, Domain>> = {
  inverted: (levels) => gray(levels.map((level) => 255 - level)),
  blurred: (levels) => gray(levels).blur(blurSigma),
  coloured: (levels, digit) => rgb(coloured(levels, digit)),
};

const methods = ["dan", "dann"] as const;

interface Account {
  readonly trials: readonly { readonly method: string; readonly accuracy: Spread; readonly seconds: number }[];
  readonly oracle: Spread;
}

/**
 * Prints what a small CNN that learned plain digits makes of inverted, blurred and coloured ones, alone and adapted by methods that learn end to end,
 * and what it makes of them when it learns from their labels.
 */
export async function printDigitDomains(platform: Platform, options: readonly string[]): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "graft-digits-"));
  try {
    await writeDigitDomains(platform, folder);
    console.log("| target | source-only | dan | dann | trained on target | s: source-only, dan, dann |");
    console.log("| --- | --- | --- | --- | --- | --- |");
    for (const name of Object.keys(domains)) {
      const accounts = methods.map((method) => adapted(folder, name, ["--method", method, ...options]));
      const [{ trials, oracle }] = accounts;
      const all = [trials[0], ...accounts.map((account) => account.trials[1])];
      const seconds = all.map((trial) => trial.seconds.toFixed(0)).join(", ");
      const accuracies = [...all.map(({ accuracy }) => accuracy), oracle];
      console.log(`| ${[name, ...accuracies.map(cell), seconds].join(" | ")} |`);
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** A folder of each domain; the plain digits are others than those of the target. */
async function writeDigitDomains(platform: Platform, folder: string): Promise<void> {
  const digits = await loadDigits(platform);
  const order = Array.from(stream(0, "digit domains").permutation(digits.labels.length));
  await write(digits, order.slice(0, digitsOfEach), join(folder, "plain"), gray);
  for (const [name, domain] of Object.entries(domains))
    await write(digits, order.slice(digitsOfEach, 2 * digitsOfEach), join(folder, name), domain);
}

function adapted(folder: string, target: string, options: readonly string[]): Account {
  const run = join(folder, `${target}-${options[1]}`);
  const args = ["adapt", "--source", join(folder, "plain"), "--target", join(folder, target), "--out", run, ...options];
  execFileSync("node", ["bin/graft.js", ...args], { stdio: ["ignore", "ignore", "inherit"] });
  const losses = readFileSync(join(run, "history.jsonl"), "utf8").trim().split("\n");
  const allFinite = losses.every((line) => Number.isFinite(JSON.parse(line).loss));
  if (!allFinite) throw new Error(`a loss of "${run}" is not finite`);
  return JSON.parse(readFileSync(join(run, "account.json"), "utf8"));
}

async function write(digits: Digits, chosen: readonly number[], folder: string, domain: Domain): Promise<void> {
  for (let label = 0; label < 10; label++) mkdirSync(join(folder, String(label)), { recursive: true });
  for (const digit of chosen) {
    const levels = digits.levels.subarray(digit * pixelCount, (digit + 1) * pixelCount);
    await domain(levels, digit)
      .png()
      .toFile(join(folder, String(digits.labels[digit]), `${digit}.png`));
  }
}

function gray(levels: Uint8Array): Sharp {
  return sharp(levels, { raw: { width: side, height: side, channels: 1 } });
}

function rgb(levels: Uint8Array): Sharp {
  return sharp(levels, { raw: { width: side, height: side, channels: 3 } });
}

/** A digit in one colour on another, both drawn at random. */
function coloured(levels: Uint8Array, digit: number): Uint8Array {
  const random = stream(0, "colours", 0, digit);
  const colour = () => Array.from({ length: 3 }, () => Math.floor(random.uniform(0, 256)));
  const paper = colour();
  let ink = colour();
  while (ink.every((level, c) => Math.abs(level - paper[c]) < leastContrast)) ink = colour();
  return Uint8Array.from({ length: 3 * pixelCount }, (_, at) => {
    const share = levels[Math.floor(at / 3)] / 255;
    return Math.round(share * ink[at % 3] + (1 - share) * paper[at % 3]);
  });
}

function cell({ mean, deviation }: Spread): string {
  const percent = (100 * mean).toFixed(1);
  return deviation === undefined ? percent : `${percent} ± ${(100 * deviation).toFixed(1)}`;
}
