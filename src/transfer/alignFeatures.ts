import { applyMap, type DomainMap } from "../adapt/domainMap.ts";
import type { MethodSetting } from "../adapt/featureMethods.ts";
import { resampledPlaces } from "../adapt/partialTransfer.ts";
import type { Compute } from "../algebra/compute.ts";
import { rowsAt } from "../algebra/matrix.ts";
import type { Rows } from "../base/rows.ts";
import { dense } from "../nn/denseLayers.ts";
import { sequentialNetwork } from "../nn/network.ts";
import { domainMapLayer, domainMapWeights } from "./domainMapLayer.ts";
import { applyLayers, type DomainFeatures, type DomainTrial, dataOf } from "./domainTrial.ts";
import { type LinearHead, solveLinearHead } from "./linearHead.ts";
import type { ScaledDomains } from "./scaling.ts";
import type { Weights } from "./strategy.ts";

export interface HeadOptions {
  /** Without, cross-validation on the source chooses it. */
  readonly penalty?: number | undefined;
  /** How much each class of the source counts, where the target may lack some. Default: all alike. */
  readonly classCounts?: readonly number[] | undefined;
}

/** Maps the features of both domains into one space, solves the linear head on the source's there, and puts it behind the target's map. */
export async function alignFeatures(
  domains: ScaledDomains,
  { method, setting }: { readonly method: string; readonly setting: MethodSetting },
  { penalty, classCounts }: HeadOptions,
  compute: Compute,
): Promise<DomainTrial> {
  const { source, labels, folds, held, target, classes } = domains.features;
  const seen = classCounts === undefined ? domains.features : resampled(domains.features, classCounts);
  const maps = await setting.fit({ source: seen.source, labels: seen.labels, target }, compute);
  const balanced = domains.features.classWeights;
  const classWeights = classCounts?.map((count, label) => count * (balanced?.[label] ?? 1)) ?? balanced;
  const space = {
    source: await moved(maps.source, source, compute),
    held: await moved(maps.source, held, compute),
    target: await moved(maps.target, target, compute),
  };
  const { signal, engine } = compute;
  const options = { units: classes, folds, classWeights, penalty, ...(signal === undefined ? {} : { signal }) };
  const head = headWeights(await solveLinearHead(dataOf(space.source, labels), options, engine));
  const judge = headLayer(classes);
  const isPlain = maps.target.kind === "identity";
  const map = domainMapLayer("map", maps.target);
  return {
    method,
    setting: setting.text,
    takes: "features",
    classes,
    network: sequentialNetwork([domains.layer, ...(isPlain ? [] : [map]), judge], [target.width]),
    weights: new Map([...domains.weights, ...domainMapWeights("map", maps.target, target.width), ...head]),
    space,
    probabilities: {
      held: await applyLayers([judge], head, space.held, engine),
      target: await applyLayers([judge], head, space.target, engine),
    },
    history: [],
  };
}

/** The source as methods without weights are to see it. */
function resampled({ source, labels }: DomainFeatures, counts: readonly number[]) {
  const places = resampledPlaces(labels, counts);
  return { source: rowsAt(source, places), labels: Int32Array.from(places, (row) => labels[row] ?? 0) };
}

async function moved(map: DomainMap, rows: Rows, compute: Compute): Promise<Rows> {
  return map.kind === "identity" ? rows : applyMap(map, rows, compute);
}

export function headLayer(classes: number) {
  return dense(classes, { activation: "softmax", name: "head" });
}

export function headWeights({ kernel, bias }: LinearHead): Weights {
  return new Map([
    ["head/kernel", kernel],
    ["head/bias", bias],
  ]);
}
