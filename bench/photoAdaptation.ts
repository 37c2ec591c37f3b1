import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Spread } from "../src/metrics/spread.ts";
import { type Domain, pairs } from "./officeCaltech.ts";

interface Account {
  readonly trials: readonly {
    readonly method: string;
    readonly setting: string;
    readonly seconds: number;
    readonly accuracy: Spread;
    readonly isChosen: boolean;
  }[];
  readonly choices: readonly { readonly validator: string; readonly entry: number }[];
  readonly oracle: Spread;
}

const folders: Readonly<Record<Domain, string>> = { C: "caltech10", A: "amazon", W: "webcam", D: "dslr" };

/**
 * Prints `graft adapt --method auto` on all pairs of Office-Caltech10's photos: a row for each way that is tried, what the command chooses and what each
 * validator would choose alone, and the same head when it learns from the target's labels.
 */
export function printPhotoAdaptation(images: string, backbone: string, options: readonly string[]): void {
  const accounts = pairs.map(([source, target]) => {
    const startMs = performance.now();
    const domains = ["--source", join(images, folders[source]), "--target", join(images, folders[target])];
    const account = accountOf([...domains, "--backbone", backbone, ...options]);
    const [sourceOnly] = account.trials;
    const chosen = account.trials.find(({ isChosen }) => isChosen);
    const minutes = ((performance.now() - startMs) / 60_000).toFixed(1);
    console.error(
      `${source}→${target}: ${cell(sourceOnly.accuracy)}, chosen ${cell(chosen?.accuracy)}, ${minutes} min`,
    );
    return account;
  });
  console.log(`| method | ${pairs.map((pair) => pair.join("→")).join(" | ")} | mean | s |`);
  console.log(`| --- |${" --- |".repeat(pairs.length + 2)}`);
  const print = (name: string, of: (account: Account) => Spread | undefined, seconds = "") => {
    const spreads = accounts.map(of);
    const known = spreads.flatMap((spread) => (spread === undefined ? [] : [100 * spread.mean]));
    const mean = known.reduce((sum, one) => sum + one, 0) / known.length;
    console.log(`| ${[name, ...spreads.map(cell), mean.toFixed(1), seconds].join(" | ")} |`);
  };
  for (const name of new Set(accounts.flatMap(({ trials }) => trials.map(nameOf)))) {
    const ofName = ({ trials }: Account) => trials.find((trial) => nameOf(trial) === name);
    const times = accounts.flatMap((account) => ofName(account)?.seconds ?? []);
    const seconds = times.reduce((sum, one) => sum + one, 0) / times.length;
    print(name, (account) => ofName(account)?.accuracy, seconds.toFixed(1));
  }
  print("**chosen**", ({ trials }) => trials.find(({ isChosen }) => isChosen)?.accuracy);
  for (const { validator } of accounts[0].choices) {
    print(`choice of ${validator}`, ({ trials, choices }) => {
      const choice = choices.find((one) => one.validator === validator);
      return choice === undefined ? undefined : trials[choice.entry].accuracy;
    });
  }
  print("trained on target", ({ oracle }) => oracle);
}

function nameOf({ method, setting }: Account["trials"][number]): string {
  return [method, setting].filter((part) => part !== "").join(", ");
}

function cell(spread: Spread | undefined): string {
  if (spread === undefined) return "";
  const mean = (100 * spread.mean).toFixed(1);
  return spread.deviation === undefined ? mean : `${mean} ± ${(100 * spread.deviation).toFixed(1)}`;
}

function accountOf(options: readonly string[]): Account {
  const folder = mkdtempSync(join(tmpdir(), "graft-adaptation-"));
  try {
    const run = join(folder, "run");
    execFileSync("node", ["bin/graft.js", "adapt", ...options, "--out", run], {
      stdio: ["ignore", "ignore", "inherit"],
    });
    return JSON.parse(readFileSync(join(run, "account.json"), "utf8"));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
