import type { Value } from "../graph/value.ts";
import type { Scope } from "../nn/scope.ts";
import { softmax } from "../ops/activations.ts";
import { add, mul } from "../ops/arithmetic.ts";
import { concat, reshape, transpose } from "../ops/layout.ts";
import { matmul } from "../ops/products.ts";
import { resize } from "../ops/resampling.ts";
import { pad, slice } from "../ops/slicing.ts";
import { gelu } from "../ops/smoothActivations.ts";
import { type Architecture, architecturesOf } from "./architecture.ts";
import { convolution, layerNorm, linear } from "./blocks.ts";

/** Dosovitskiy et al. 2020, table 1, and Touvron et al. 2020, table 1 (small). */
interface Config {
  /** D, the width of a token. */
  readonly width: number;
  readonly heads: number;
  readonly patch: number;
  /** Side of the images that the position embedding was learned on. */
  readonly side: number;
  /** A learned factor for each channel of what a block adds (Touvron et al. 2021, equation 7). */
  readonly layerScale: boolean;
}

const small = { width: 384, heads: 6 };
const base = { width: 768, heads: 12 };
const imagenet = { patch: 16, side: 224, layerScale: false };
const dinov2 = { patch: 14, side: 518, layerScale: true };

/** The patch-16 ones load DeiT's and DINO's checkpoints too: these networks differ in their training only. */
const transformers = {
  vit_small_patch16_224: { ...small, ...imagenet },
  vit_base_patch16_224: { ...base, ...imagenet },
  vit_small_patch14_dinov2: { ...small, ...dinov2 },
  vit_base_patch14_dinov2: { ...base, ...dinov2 },
} as const satisfies Record<string, Config>;

const depth = 12;
const epsilon = 1e-6;

export const visionTransformerArchitectures: readonly Architecture[] = architecturesOf(
  transformers,
  (config: Config) => ({
    side: config.side,
    smallestSide: config.patch,
    sideStep: config.patch,
    features: "vector",
    body: (scope, images) => visionTransformer(scope, images, config),
    top: (scope, vector, classes) => linear(scope.at("head"), vector, classes, "glorotUniform"),
    // What DINOv2 put in place of hidden patches in training.
    unused: ["mask_token"],
  }),
);

/** The class token [N, D] after the last block (equations 1 to 4) for images x [N, 3, H, W], with timm's parameter names. */
function visionTransformer(scope: Scope, x: Value, config: Config): Value {
  let y = embedding(scope, x, config);
  for (let i = 0; i < depth; i++) {
    const block = scope.at("blocks").at(String(i));
    const attended = attention(block.at("attn"), layerNorm(block.at("norm1"), y, epsilon), config.heads);
    y = add(y, scaled(block.at("ls1"), attended, config));
    const layers = mlp(block.at("mlp"), layerNorm(block.at("norm2"), y, epsilon));
    y = add(y, scaled(block.at("ls2"), layers, config));
  }
  const classToken = reshape(slice(y, [0], [1], [1]), [-1, config.width]);
  return layerNorm(scope.at("norm"), classToken, epsilon);
}

/** Patches as tokens behind the class token, and where each lies: [N, 1 + H/P·W/P, D]. */
function embedding(scope: Scope, x: Value, { width, patch, side }: Config): Value {
  const options = { filters: width, kernel: patch, stride: patch, padding: 0, bias: true };
  const maps = convolution(scope.at("patch_embed").at("proj"), x, options);
  const [rows, columns] = [Number(maps.shape[2]), Number(maps.shape[3])];
  const tokens = transpose(reshape(maps, [0, width, rows * columns]), { perm: [0, 2, 1] });
  // The papers' deviation of 0.02: 1/√2500.
  const learned = { initializer: "lecunNormal", fanIn: 2500 } as const;
  const classToken = scope.param("cls_token", [1, 1, width], learned);
  const grid = side / patch;
  const positions = scope.param("pos_embed", [1, 1 + grid * grid, width], learned);
  // Zeros make room for the class token, so that the number of images may stay open.
  const withRoom = pad(tokens, [0, 1, 0, 0, 0, 0]);
  const first = pad(classToken, [0, 0, 0, 0, rows * columns, 0]);
  return add(withRoom, add(first, positionsOn(positions, grid, [rows, columns])));
}

/** The position embedding of a square grid on another one, by cubic interpolation; the class token keeps its own. */
function positionsOn(positions: Value, grid: number, [rows, columns]: readonly [number, number]): Value {
  if (rows === grid && columns === grid) return positions;
  const width = Number(positions.shape[2]);
  const own = slice(positions, [0], [1], [1]);
  const places = slice(positions, [1], [1 + grid * grid], [1]);
  const maps = transpose(reshape(places, [1, grid, grid, width]), { perm: [0, 3, 1, 2] });
  const resized = resize(maps, undefined, undefined, [1, width, rows, columns], {
    mode: "cubic",
    antialias: 1,
    cubic_coeff_a: -0.5,
    exclude_outside: 1,
  });
  const tokens = reshape(transpose(resized, { perm: [0, 2, 3, 1] }), [1, rows * columns, width]);
  return concat(own, tokens, { axis: 1 });
}

/** softmax(q·kᵀ/√d)·v in each head (appendix A, equations 5 to 8). */
function attention(scope: Scope, x: Value, heads: number): Value {
  const [count, width] = [Number(x.shape[1]), Number(x.shape[2])];
  const size = width / heads;
  const qkv = linear(scope.at("qkv"), x, 3 * width, "glorotUniform");
  const perHead = (i: number) => reshape(slice(qkv, [i * width], [(i + 1) * width], [2]), [0, count, heads, size]);
  const q = transpose(mul(perHead(0), 1 / Math.sqrt(size)), { perm: [0, 2, 1, 3] }); // [N, heads, T, d]
  const k = transpose(perHead(1), { perm: [0, 2, 3, 1] }); // [N, heads, d, T]
  const v = transpose(perHead(2), { perm: [0, 2, 1, 3] });
  const mixed = matmul(softmax(matmul(q, k), { axis: -1 }), v);
  const joined = reshape(transpose(mixed, { perm: [0, 2, 1, 3] }), [0, count, width]);
  return linear(scope.at("proj"), joined, width, "glorotUniform");
}

function mlp(scope: Scope, x: Value): Value {
  const width = Number(x.shape[2]);
  const hidden = gelu(linear(scope.at("fc1"), x, 4 * width, "glorotUniform"));
  return linear(scope.at("fc2"), hidden, width, "glorotUniform");
}

function scaled(scope: Scope, x: Value, { width, layerScale }: Config): Value {
  // DINOv2 starts it at 1e-5: like 0, a block that passes its input on.
  return layerScale ? mul(x, scope.param("gamma", [width], { initializer: "zeros" })) : x;
}
