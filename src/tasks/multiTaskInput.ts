import { GraftError } from "../base/errors.ts";
import type { MultiTaskTuning } from "../transfer/multiTask.ts";
import { parseTargets } from "./targetsOption.ts";
import type { TrainInput } from "./trainInput.ts";
import { tuningFlagOf } from "./tuningOptions.ts";

/** What multi-task trains: the heads alone, or the backbone too. */
export function tuningOf({ tune, stages, l2sp, parameters, head }: TrainInput): MultiTaskTuning {
  if (tune === "all" || (tune === undefined && stages !== undefined)) return { kind: "all", stages, l2sp, parameters };
  return { kind: "heads", head: head === "mlp" ? "mlp" : "linear" };
}

/** Throws `usage` where options of multi-task do not fit each other, or belong to another strategy. */
export function checkMultiTask(input: TrainInput, isMultiTask: boolean): void {
  const { targets, tune, taskWeighting, strategy } = input;
  const own = Object.entries({ targets, tune, "task-weighting": taskWeighting }).find(
    ([, value]) => value !== undefined,
  );
  if (!isMultiTask) {
    if (own === undefined) return;
    throw usage(`--${own[0]} is for --strategy multi-task, not ${strategy ?? "a single label"}. Leave it out.`);
  }
  if (targets === undefined) {
    throw usage(
      "--strategy multi-task needs columns of a CSV manifest to learn: name them with --targets, such as --targets kind,weight_g.",
    );
  }
  if (input.backbone === "auto") {
    throw usage("--backbone auto ranks networks by one label; for multi-task name one. graft rank compares them.");
  }
  checkTuning(input);
  checkWeighting(input);
}

function checkTuning(input: TrainInput): void {
  const { head, shots, tune, delta } = input;
  if (head !== "linear" && head !== "mlp") {
    throw usage(`--head ${head} knows classes of one label only. For multi-task take linear or mlp.`);
  }
  if (shots !== undefined) throw usage("--shots counts images of one label's classes; leave it out for multi-task.");
  if (delta > 0) {
    throw usage("--delta judges feature maps by what they are worth for one label; leave it out for multi-task.");
  }
  if (tuningOf(input).kind === "all") {
    if (head === "linear") return;
    throw usage(
      `--head ${head} is for frozen features; where the backbone learns too, heads are linear. Leave one of them out.`,
    );
  }
  const idle = tuningFlagOf(input);
  if (idle === undefined) return;
  const why =
    tune === "heads" ? "--tune heads leaves the backbone as it is" : "the backbone stays as it is without --tune all";
  throw usage(`${idle}: ${why}. Leave one of them out, or say --tune all.`);
}

function checkWeighting(input: TrainInput): void {
  const weighted = parseTargets(input.targets ?? "").find(({ weight }) => weight !== undefined);
  const isLearned = input.taskWeighting === "uncertainty";
  if (isLearned && weighted !== undefined) {
    throw usage(
      `--task-weighting uncertainty learns what tasks count; leave out the weight "*${weighted.weight}" of "${weighted.name}".`,
    );
  }
  const tuning = tuningOf(input);
  if (tuning.kind === "all" || tuning.head !== "linear") return;
  if (!isLearned && weighted === undefined) return;
  throw usage(
    "weights of tasks need something that the tasks share; linear heads on frozen features share nothing, and each is solved to its own optimum. " +
      "Add --head mlp (a hidden layer for all) or --tune all (the backbone learns too), or leave the weights out.",
  );
}

function usage(message: string): GraftError {
  return new GraftError("usage", message);
}
