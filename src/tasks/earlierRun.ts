import { type ModelWeights, readWeights } from "../artefact/modelFile.ts";
import type { Backbone } from "../backbones/onnxBackbone.ts";
import { backboneName, withWeights } from "../backbones/trainableBackbone.ts";
import { GraftError } from "../base/errors.ts";
import type { Platform } from "../platform/platform.ts";
import type { TransferPlan } from "../transfer/strategy.ts";
import { type Fitting, fittingWeights } from "../weights/fitting.ts";
import { readRun } from "./servedModel.ts";
import type { TaskEvent } from "./task.ts";

/** How many names a message lists. */
const shown = 3;

/** A trained model whose weights another training begins with. */
export interface EarlierRun extends ModelWeights {
  /** As the user gave it. */
  readonly path: string;
}

/** Opens what `--init` names. Throws `input` or `model` for what no training wrote, `usage` where it is of another kind than what is trained. */
export async function openEarlierRun(
  path: string,
  wantedBackbone: string | undefined,
  platform: Platform,
): Promise<EarlierRun> {
  const { file, bytes } = await readRun(path, platform);
  const found = readWeights(bytes, file);
  if (found.hasBackbone && wantedBackbone === undefined) {
    throw new GraftError(
      "usage",
      `--init: "${path}" was trained on a pretrained network, and the small CNN has none of its weights. Name that network with --backbone.`,
    );
  }
  if (!found.hasBackbone && wantedBackbone !== undefined) {
    throw new GraftError(
      "usage",
      `--init: "${path}" is a small CNN from scratch, and has no weights of "${wantedBackbone}". Leave out --backbone or --init.`,
    );
  }
  return { ...found, path };
}

/** The backbone with the weights that it has in the earlier run. */
export function* backboneOf(earlier: EarlierRun | undefined, published: Backbone): Generator<TaskEvent, Backbone> {
  if (earlier === undefined) return published;
  const { weights } = earlier;
  const { backbone, fitting } = withWeights(
    published,
    (path) => weights.get(`${backboneName}/${path}`) ?? weights.get(path),
  );
  yield* told(earlier, fitting, `as published in "${published.name}"`);
  const unused = [...weights.keys()].filter(
    (name) => name.startsWith(`${backboneName}/`) && !fitting.taken.has(name.slice(backboneName.length + 1)),
  );
  if (unused.length > 0) {
    const text = `"${earlier.path}" has ${unused.length} parameters that "${published.name}" does without, such as adapters: ${listed(unused)}`;
    yield { type: "warning", text };
  }
  return backbone;
}

/** A plan that begins at the earlier run's weights; the classifier only where it was trained on the same classes. */
export function* beginAt(
  earlier: EarlierRun | undefined,
  plan: TransferPlan,
  labels: readonly string[],
): Generator<TaskEvent, TransferPlan> {
  const { network, initial } = plan;
  if (earlier === undefined || typeof initial === "function") return plan;
  const classifier = `${network.steps[network.last]?.name}/`;
  const sameClasses = JSON.stringify(earlier.labels) === JSON.stringify(labels);
  const fitting = fittingWeights(network.parameters.list, (path) =>
    path.startsWith(classifier) && !sameClasses ? undefined : earlier.weights.get(path),
  );
  yield* told(earlier, fitting, "anew");
  return { ...plan, initial: new Map([...initial, ...fitting.taken]) };
}

function* told({ path, weights }: EarlierRun, { taken, left }: Fitting, otherwise: string): Generator<TaskEvent> {
  const total = taken.size + left.length;
  if (taken.size === 0) {
    throw new GraftError(
      "model",
      `--init: none of the ${total} parameters (${listed(left)}) is in "${path}" by name and shape; it has ${listed([...weights.keys()])}. ` +
        "Give a run of the same network.",
    );
  }
  const rest = left.length === 0 ? "" : `; ${left.length} start ${otherwise}: ${listed(left)}`;
  yield { type: "note", text: `${taken.size} of ${total} parameters begin as in "${path}"${rest}` };
}

function listed(names: readonly string[]): string {
  const first = names.slice(0, shown).map((name) => `"${name}"`);
  return [...first, ...(names.length > shown ? ["…"] : [])].join(", ");
}
