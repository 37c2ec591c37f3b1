import { createRequire } from "node:module";
import type sharp from "sharp";
import { GraftError, messageOf } from "../base/errors.ts";

export type SharpModule = typeof sharp;

let loading: Promise<SharpModule> | undefined;

/** The `sharp` package, loaded at first use; `source` says where from. Throws `system` when it is not there. */
export function loadSharp(source: () => Promise<{ readonly default: SharpModule }> = installed): Promise<SharpModule> {
  if (source !== installed) return load(source);
  loading ??= load(source);
  return loading;
}

/** By `require`: its CommonJS files load in 40 ms, its ES modules in 110. */
const installed = async () => {
  const module: SharpModule = createRequire(import.meta.url)("sharp");
  return { default: module };
};

async function load(source: () => Promise<{ readonly default: SharpModule }>): Promise<SharpModule> {
  try {
    const { default: module } = await source();
    // Every image is decoded once: a cache of operations only makes memory grow. Parallelism comes from many images, not many threads.
    module.cache(false);
    module.concurrency(1);
    return module;
  } catch (thrown) {
    const [reason = ""] = messageOf(thrown).trim().split("\n", 1);
    throw new GraftError(
      "system",
      `images cannot be decoded: the package "sharp" does not load (${reason}). Do "npm install --include=optional sharp".`,
      { cause: thrown },
    );
  }
}
