import { applyMap, type DomainMap } from "../adapt/domainMap.ts";
import type { FeatureMethodName, MethodSetting } from "../adapt/featureMethods.ts";
import type { Compute } from "../algebra/compute.ts";
import type { Rows } from "../base/rows.ts";
import { dense } from "../nn/denseLayers.ts";
import { sequentialNetwork } from "../nn/network.ts";
import { domainMapLayer, domainMapWeights } from "./domainMapLayer.ts";
import { applyLayers, type DomainTrial, dataOf } from "./domainTrial.ts";
import { type LinearHead, solveLinearHead } from "./linearHead.ts";
import type { ScaledDomains } from "./scaling.ts";
import type { Weights } from "./strategy.ts";

/**
 * Maps the features of both domains into one space, solves the linear head on the source's there, and puts it behind the target's map.
 *
 * @param penalty of the head; without, cross-validation on the source chooses it
 */
export async function alignFeatures(
  domains: ScaledDomains,
  { method, setting }: { readonly method: FeatureMethodName; readonly setting: MethodSetting },
  penalty: number | undefined,
  compute: Compute,
): Promise<DomainTrial> {
  const { source, labels, folds, held, target, classes, classWeights } = domains.features;
  const maps = await setting.fit({ source, target, labels }, compute);
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
