import type { HistoryFacts } from "../doctor/historyChecks.ts";
import { diagnoseCurves } from "../train/diagnoseCurves.ts";
import { validatedBy } from "./fitAdvice.ts";
import type { RunFolder } from "./runFolder.ts";
import type { Job } from "./trainPlan.ts";

/** What came of the run, by its history; no epochs where it has none yet. */
export async function historyFactsOf(job: Job, run: RunFolder): Promise<HistoryFacts> {
  const history = await run.readHistory();
  const diagnosis = diagnoseCurves(history, validatedBy(job));
  // Graft's own network from scratch has no batch normalisation, and fine-tuning keeps its statistics.
  return { history, diagnosis, measuresStatistics: false };
}
