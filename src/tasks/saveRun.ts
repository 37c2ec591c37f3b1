import { encodeModelFile } from "../artefact/modelFile.ts";
import { fitAdvice } from "./fitAdvice.ts";
import type { Learned } from "./learn.ts";
import { reportOn } from "./reportOn.ts";
import type { RunFolder } from "./runFolder.ts";
import type { TaskEvent } from "./task.ts";
import type { Job } from "./trainPlan.ts";

/** Saves model, labels, figures and what the curves say. */
export async function* saveRun(job: Job, learned: Learned, folder: RunFolder): AsyncGenerator<TaskEvent> {
  const { platform, labels, split, preparation } = job;
  const { plan, state, history } = learned;
  const { network, backbone } = plan;
  const weights = state.snapshot(network.parameters.list);
  const bytes = encodeModelFile({
    // Not the folder's: runs of one seed must not differ by where they lie.
    name: "classifier",
    labels,
    preparation,
    backbone,
    ...(plan.served?.(weights) ?? { network, weights }),
  });
  const parts = { validation: split.validation, ...(split.test.length > 0 ? { test: split.test } : {}) };
  const metrics: Record<string, unknown> = {};
  for (const [name, indices] of Object.entries(parts)) {
    const report = await reportOn(plan.data(indices, false), network, state, platform.engine, labels);
    metrics[name] = report;
    yield { type: "report", title: name, labels, report };
  }
  await folder.writeHistory(history);
  await folder.writeJson("metrics.json", metrics);
  const advice = fitAdvice(job, learned);
  if (advice !== undefined) {
    await folder.writeJson("diagnosis.json", advice);
    yield { type: "note", text: advice.text };
  }
  await folder.writeText("labels.txt", labels.map((label) => `${label}\n`).join(""));
  await platform.store.write(folder.file("model.onnx"), bytes);
  yield { type: "artefact", kind: "model", path: folder.file("model.onnx") };
}
