import type { Architecture } from "../backbones/architecture.ts";
import { architectureNamed, architectures } from "../backbones/architectures.ts";
import { loadBackboneFile } from "../backbones/backboneFile.ts";
import { type Card, cards, imagenetNormalisation, plainCard } from "../backbones/cards.ts";
import { namedBackbone } from "../backbones/namedBackbone.ts";
import type { Backbone } from "../backbones/onnxBackbone.ts";
import { didYouMean, GraftError } from "../base/errors.ts";
import type { Platform } from "../platform/platform.ts";
import { openWeights } from "../weights/openWeights.ts";
import { parseRemoteFile } from "../weights/remoteFile.ts";
import { bringWeights } from "./bringWeights.ts";
import type { TaskEvent } from "./task.ts";
import type { TrainInput } from "./trainInput.ts";

/** The backbone that the user named: an ONNX file, or an architecture with weights from a file, the cache or the network. */
export async function* loadBackbone(
  { backbone: wanted, weights, size }: Pick<TrainInput, "backbone" | "weights" | "size">,
  platform: Platform,
  signal: AbortSignal,
): AsyncGenerator<TaskEvent, Backbone | undefined> {
  if (wanted === undefined) {
    if (weights === undefined) return undefined;
    throw new GraftError("usage", "--weights: name the network that they belong to, such as: --backbone resnet18");
  }
  if ((await platform.store.info(wanted))?.kind === "file") {
    if (weights === undefined) return loadBackboneFile(wanted, platform, size);
    throw new GraftError("usage", `--weights: "${wanted}" is an ONNX file and brings its own. Leave --weights out.`);
  }
  const general = cardNamed(wanted);
  const special = cardsOfFiles(wanted);
  // A wrong name is told before anything is fetched.
  named(wanted, general ?? special[0]);
  const path =
    weights === undefined
      ? yield* published(wanted, general, platform, signal)
      : yield* given(weights, platform, signal);
  const card = (await cardOfFile(path, special, platform)) ?? general;
  const network = named(wanted, card);
  const tensors = await openWeights(path, platform.store);
  const assumed = `"${path}" does not say how its images were normalised; assuming ${usual(network)}.`;
  const fileName = platform.store.baseName(path);
  try {
    const loaded = namedBackbone(network, { tensors, fileName, card: card ?? plainCard(network) }, size);
    return card === undefined ? { ...loaded, warnings: [assumed] } : loaded;
  } catch (error) {
    const known = error instanceof GraftError ? await cardOfFile(path, cards, platform) : undefined;
    if (known === undefined || known === card) throw error;
    throw new GraftError(
      "usage",
      `"${path}" holds ${known.name} (${known.source}), not ${network.name}: use --backbone ${callName(known)}.`,
      { cause: error },
    );
  }
}

/** What a user calls a card by. */
function callName({ name, architecture }: Card): string {
  return architecture ?? name.split(".")[0] ?? name;
}

function cardNamed(wanted: string): Card | undefined {
  return (
    cards.find(({ name }) => name === wanted) ??
    cards.find(({ name, file }) => file !== undefined && isOf(wanted, name))
  );
}

function isOf(wanted: string, cardName: string): boolean {
  return cardName.startsWith(`${wanted}.`);
}

/** Cards without a file to fetch: each speaks of one file alone, which its hash tells. */
function cardsOfFiles(wanted: string): readonly Card[] {
  return cards.filter(
    ({ name, architecture, file }) => file === undefined && (isOf(wanted, name) || architecture === wanted),
  );
}

async function cardOfFile(
  path: string,
  possible: readonly Card[],
  { store, digest }: Platform,
): Promise<Card | undefined> {
  if (possible.length === 0 || (await store.info(path))?.kind !== "file") return undefined;
  const sha256 = digest(await store.read(path));
  return possible.find((card) => card.sha256 === sha256);
}

/** `resnet18`, or `resnet18.tv_in1k`. Throws `input` for what looks like a path, `usage` for an unknown name. */
function named(wanted: string, card: Card | undefined): Architecture {
  if (/[\\/]|\.onnx$/i.test(wanted)) {
    throw new GraftError(
      "input",
      `--backbone: "${wanted}" is not a file. Expected a pretrained classifier in ONNX format, or the name of a network.`,
    );
  }
  const name = card?.architecture ?? wanted.split(".")[0] ?? wanted;
  const near = architectures.has(name)
    ? ""
    : didYouMean(
        wanted,
        cards.flatMap((one) => [one.name, one.name.split(".")[0] ?? "", callName(one)]),
      );
  if (near !== "") throw new GraftError("usage", `--backbone: no network is called "${wanted}".${near}`);
  return architectureNamed(name);
}

function usual({ name, normalisation }: Architecture): string {
  if (normalisation === imagenetNormalisation) return "ImageNet's mean and deviation, as torchvision does";
  return `pixels from −1 to 1, as the usual weights of ${name} want them`;
}

async function* published(
  wanted: string,
  card: Card | undefined,
  platform: Platform,
  signal: AbortSignal,
): AsyncGenerator<TaskEvent, string> {
  if (card?.file !== undefined) return yield* bringWeights(card.file, platform, signal);
  throw new GraftError(
    "usage",
    `--backbone: no published weights of "${wanted}" are known ("graft backbones" lists them). Give a file with --weights.`,
  );
}

/** A local file or folder, or an address. */
async function* given(weights: string, platform: Platform, signal: AbortSignal): AsyncGenerator<TaskEvent, string> {
  const remote = parseRemoteFile(weights);
  return remote === undefined ? weights : yield* bringWeights(remote, platform, signal);
}
