import { mkdtempSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parse } from "csv-parse/sync";
import { ask, withServer } from "./serving.ts";
import { trainedRun } from "./trainedRun.ts";
import { finished } from "./wholeJob.ts";

export interface AgreementOptions {
  readonly photos: string;
  readonly backbone: string;
  readonly threads: number;
}

const goal = 1e-4;

/** Every photo of val/ by `graft evaluate --predictions`, and all of them at once over HTTP, so that they come in batches: the same labels and logits? */
export async function printAgreement({ photos, backbone, threads }: AgreementOptions): Promise<void> {
  const run = trainedRun(photos, backbone);
  const data = join(photos, "val");
  const file = join(mkdtempSync(join(tmpdir(), "graft-bench-")), "predictions.csv");
  await finished("node", ["bin/graft.js", "evaluate", run, "--data", data, "--predictions", file], {});
  const rows: readonly Record<string, string>[] = parse(readFileSync(file), { columns: true });
  const differences = await withServer(
    run,
    { batchSize: 8, threads, more: ["--max-pending", "1000", "--timeout", "600"] },
    (url) => Promise.all(rows.map((row) => differenceOf(url, join(data, row["image"]), row))),
  );
  const same = differences.filter(({ isSame }) => isSame).length;
  const farthest = Math.max(...differences.map(({ logits }) => logits));
  console.log(`\nserved and evaluated: the same label for ${same} of ${rows.length} photos (goal: all),`);
  console.log(`logits at most ${farthest.toExponential(1)} apart (goal: ${goal.toExponential(0)})`);
}

/** Logits up to what is added to all of them: the logarithms of probabilities. */
async function differenceOf(url: string, photo: string, row: Readonly<Record<string, string>>) {
  const { json } = await ask(url, new Uint8Array(readFileSync(photo)));
  const { predictions } = json as {
    readonly predictions: readonly {
      readonly classes: readonly { readonly label: string; readonly probability: number }[];
    }[];
  };
  const { classes } = predictions[0];
  const differences = classes.map(
    ({ label, probability }) => Math.log(probability) - Math.log(Number(row[`p(${label})`])),
  );
  const mean = differences.reduce((sum, one) => sum + one, 0) / differences.length;
  return {
    isSame: classes[0].label === row["answer"],
    logits: Math.max(...differences.map((one) => Math.abs(one - mean))),
  };
}
