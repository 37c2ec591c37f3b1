import { GraftError, nearest } from "../base/errors.ts";
import { sameShape, showShape } from "../base/shapes.ts";
import type { Tensor } from "../base/tensor.ts";
import { widenTensor } from "../onnx/widen.ts";

/** What a model says of one of its parameters. */
export interface ParameterShape {
  /** `layer1/0/conv1/weight`. */
  readonly path: string;
  readonly shape: readonly number[];
}

export interface StateDictOptions {
  /** Where the tensors come from, for messages. */
  readonly fileName: string;
  /** The file's name for a tensor as the model's, or nothing for one that the model does without. */
  readonly rename?: (name: string) => string | undefined;
  /**
   * The name of the classifier, such as "fc": the file may lack it, hold it without use, or hold one of another shape, as when only features
   * are wanted or the classes differ.
   */
  readonly classifier?: string;
}

/** What training wraps a model in; left out where all names begin with it. */
const wrappers = new Set(["module", "model", "backbone", "encoder", "net", "_orig_mod"]);
/** How many names of each kind a message lists. */
const shown = 10;

/**
 * The tensors of a state dict by the paths of the parameters that they are for: `layer1.0.conv1.weight` of the file is
 * `layer1/0/conv1/weight` of the model. float16 and float64 become float32; `num_batches_tracked` is dropped. Where the classifier does not
 * fit, it is left out of the result.
 *
 * @throws `model` listing names that are missing, extra or of another shape
 */
export function loadStateDict(
  parameters: readonly ParameterShape[],
  tensors: ReadonlyMap<string, Tensor>,
  { fileName, rename = (name) => name, classifier }: StateDictOptions,
): ReadonlyMap<string, Tensor> {
  const wanted = withoutWrapper(new Map(parameters.map((parameter) => [dotted(parameter.path), parameter])));
  const renamed = [...withoutWrapper(tensors)].flatMap(([name, tensor]): [string, Tensor][] => {
    const own = name.endsWith("num_batches_tracked") ? undefined : rename(name);
    return own === undefined ? [] : [[own, tensor]];
  });
  const given = new Map(renamed);
  const isClassifier = (name: string) =>
    classifier !== undefined && (name === classifier || name.startsWith(`${classifier}.`));
  const loaded = new Map<string, Tensor>();
  const missing: string[] = [];
  const misshapen: string[] = [];
  for (const [name, { path, shape }] of wanted) {
    const tensor = given.get(name);
    const floats = tensor === undefined ? undefined : widenTensor(tensor);
    if (floats?.dtype === "float32" && sameShape(floats.shape, shape)) loaded.set(path, floats);
    else if (isClassifier(name)) continue;
    else if (tensor === undefined) missing.push(name);
    else misshapen.push(`${JSON.stringify(name)} is ${showTensor(tensor)}, expected float32 ${showShape(shape)}`);
  }
  const extra = [...given.keys()].filter((name) => !wanted.has(name) && !isClassifier(name));
  const problems = [
    listed("missing in the file", missing.map(withNearest([...given.keys()]))),
    listed("unknown to the model", extra.map(withNearest([...wanted.keys()]))),
    listed("of another shape or type", misshapen),
  ].filter((line) => line !== "");
  if (problems.length === 0) return loaded;
  throw new GraftError(
    "model",
    `"${fileName}" does not fit the model, which has ${wanted.size} tensors; the file has ${given.size}.\n${problems.join("\n")}\n` +
      "Choose the architecture that these weights were trained with.",
  );
}

function dotted(path: string): string {
  return path.replaceAll("/", ".");
}

/** Without a first part that all names share, as often as it is a usual wrapper. */
function withoutWrapper<T>(entries: ReadonlyMap<string, T>): ReadonlyMap<string, T> {
  const [first = ""] = entries.keys();
  const [wrapper = "", rest] = first.split(/\.(.*)/);
  const isShared = rest !== undefined && [...entries.keys()].every((name) => name.startsWith(`${wrapper}.`));
  if (!isShared || !wrappers.has(wrapper)) return entries;
  return withoutWrapper(new Map([...entries].map(([name, value]) => [name.slice(wrapper.length + 1), value])));
}

/** Names are compared one by one only when they are shown. */
function withNearest(candidates: readonly string[]): (name: string, index: number) => string {
  return (name, index) => {
    const near = index < shown ? nearest(name, candidates) : undefined;
    return near === undefined ? JSON.stringify(name) : `${JSON.stringify(name)} (nearest: ${JSON.stringify(near)})`;
  };
}

function listed(what: string, entries: readonly string[]): string {
  if (entries.length === 0) return "";
  const rest = entries.length > shown ? `, and ${entries.length - shown} more` : "";
  return `${entries.length} ${what}: ${entries.slice(0, shown).join(", ")}${rest}.`;
}

function showTensor({ dtype, shape }: Tensor): string {
  return `${dtype} ${showShape(shape)}`;
}
