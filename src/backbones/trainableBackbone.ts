import type { Tensor } from "../base/tensor.ts";
import { sizeOf } from "../base/tensor.ts";
import { substitute } from "../graph/substitute.ts";
import { nodesOf } from "../graph/traverse.ts";
import { constant, constantOf, input, type Value } from "../graph/value.ts";
import type { Layer } from "../nn/layer.ts";
import { moduleLayer } from "../nn/moduleLayer.ts";
import { Parameters, Scope, startBuild } from "../nn/scope.ts";
import { add, mul } from "../ops/arithmetic.ts";
import { straightThrough } from "../ops/quantisation.ts";
import { type Fitting, fittingWeights } from "../weights/fitting.ts";
import { type AdditionName, additions, bindAddition } from "./additions.ts";
import type { Backbone } from "./onnxBackbone.ts";
import { positionsOf, stageMaps } from "./stageMaps.ts";

/** Below this name lie the parameters of a backbone that is trained. */
export const backboneName = "backbone";

/** What losses see of a trained backbone, below its name: its normalised input, and the maps with which its stages end. */
export const shownImages = "images";
export const shownMaps = (stage: number): string => `maps.${stage}`;

/** A backbone whose weights are parameters, so that it can be fine-tuned. */
export interface TrainableBackbone {
  /** Pixels of 0–255 in, features [N, width] out. */
  readonly layer: Layer;
  /** The pretrained values by parameter path. */
  readonly weights: ReadonlyMap<string, Tensor>;
  /** The stage of each of them: how often the maps had become smaller before the first operator that uses it. */
  readonly stages: ReadonlyMap<string, number>;
  /** The paths of parameters that were added to it, which have a stage but no pretrained value. */
  readonly added: ReadonlySet<string>;
}

/** Makes the weights that lie in the backbone's file parameters, named as there, below `name`. */
export function trainableBackbone(
  backbone: Backbone,
  name = backboneName,
  additionName?: AdditionName,
): TrainableBackbone {
  const found = weightsOf(backbone.features);
  const paths = pathsOf(found.keys());
  const ends = stageMaps(backbone);
  const addition = additionName && additions[additionName](backbone, (weight) => paths.get(weight) ?? "");
  const layer = moduleLayer(name, (scope, pixels) => {
    const images = normalised(pixels, backbone);
    const bound = new Map<Value, Value>([[backbone.input, images]]);
    for (const [value, { trainable }] of found) {
      bound.set(value, scope.param(paths.get(value) ?? "", value.staticShape, { initializer: "zeros", trainable }));
    }
    if (addition !== undefined) bindAddition(addition, scope, bound);
    const [features, ...maps] = straightThrough(substitute([backbone.features, ...ends], bound)) as [Value, ...Value[]];
    scope.show(shownImages, images);
    for (const [stage, value] of maps.entries()) scope.show(shownMaps(stage), value);
    return features;
  });
  const pathOf = (value: Value) => `${name}/${paths.get(value)}`;
  const sizes = [...new Set([...found.values()].map(({ positions }) => positions))].sort((a, b) => b - a);
  const stageOf = (positions: number) => Math.min(sizes.length - 1, sizes.filter((size) => size > positions).length);
  const stages = new Map([...found].map(([value, { positions }]) => [pathOf(value), stageOf(positions)]));
  const added = new Map<string, number>();
  const all = addition === undefined ? [] : parameterPaths(layer, name, backbone);
  for (const [i, place] of (addition?.places ?? []).entries()) {
    const stage = stageOf(found.get(place)?.positions ?? positionsOf(place));
    const prefix = `${name}/${addition?.nameOf(i)}/`;
    for (const path of all) {
      if (path.startsWith(prefix) && !stages.has(path)) added.set(path, stage);
    }
  }
  return {
    layer,
    weights: new Map([...found].map(([value, { tensor }]) => [pathOf(value), tensor])),
    stages: new Map([...stages, ...added]),
    added: new Set(added.keys()),
  };
}

/** The same network with other values for those of its weights that `find` has, by the paths they would be trained under. */
export function withWeights(
  backbone: Backbone,
  find: (path: string) => Tensor | undefined,
): { readonly backbone: Backbone; readonly fitting: Fitting } {
  const paths = pathsOf(weightsOf(backbone.features).keys());
  const parameters = [...paths].map(([{ staticShape }, path]) => ({ path, shape: staticShape }));
  const fitting = fittingWeights(parameters, find);
  const bound = [...paths].flatMap(([value, path]): [Value, Value][] => {
    const tensor = fitting.taken.get(path);
    return tensor === undefined ? [] : [[value, constant(tensor, path)]];
  });
  const [features] = substitute([backbone.features], new Map(bound));
  return { backbone: { ...backbone, features }, fitting };
}

function parameterPaths(layer: Layer, name: string, { preparation: { cropTo } }: Backbone): readonly string[] {
  const parameters = new Parameters();
  layer.build(new Scope(startBuild(parameters), name), [input("pixels", "float32", ["N", 3, cropTo, cropTo])]);
  return parameters.list.map(({ path }) => path);
}

interface Weight {
  readonly tensor: Tensor;
  readonly trainable: boolean;
  /** Of the maps that the first operator with this weight gives; 1 for vectors. */
  readonly positions: number;
}

/** Constants where an operator expects weights or statistics. Single numbers are part of the formula, not learned. */
function weightsOf(output: Value): ReadonlyMap<Value, Weight> {
  const found = new Map<Value, Weight>();
  for (const { operator, inputs, outputs } of nodesOf([output])) {
    const [, , ...lengths] = outputs[0]?.shape ?? [];
    const positions = lengths.reduce((total: number, length) => total * (typeof length === "number" ? length : 1), 1);
    const { inputs: names = [], weights = [], statistics = [] } = operator.rule ?? {};
    inputs.forEach((value, i) => {
      const role = names[i] ?? "";
      if (value?.source.kind !== "constant" || value.dtype !== "float32" || sizeOf(value.staticShape) < 2) return;
      const { tensor } = value.source;
      const known = found.get(value) ?? { tensor, trainable: true, positions };
      if (weights.includes(role)) found.set(value, known);
      if (statistics.includes(role)) found.set(value, { ...known, trainable: false });
    });
  }
  return found;
}

function pathsOf(values: Iterable<Value>): ReadonlyMap<Value, string> {
  const paths = new Map<Value, string>();
  for (const value of values) paths.set(value, freshPath(value, new Set(paths.values())));
  return paths;
}

/** The constant's name in the file, or a number where it has none or shares it. */
function freshPath({ source }: Value, taken: ReadonlySet<string>): string {
  const stated = source.kind === "constant" ? source.name : undefined;
  return stated === undefined || taken.has(stated) ? `${stated ?? "weight"}.${taken.size}` : stated;
}

function normalised(pixels: Value, { normalisation: { scale, offset } }: Backbone): Value {
  const perChannel = (values: readonly number[]) => constantOf("float32", [1, 3, 1, 1], values);
  return add(mul(pixels, perChannel(scale)), perChannel(offset));
}
