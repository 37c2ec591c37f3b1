import type { Value } from "../graph/value.ts";
import type { Layer } from "../nn/layer.ts";
import { moduleLayer } from "../nn/moduleLayer.ts";
import { add, div, mul, sqrt, sub } from "../ops/arithmetic.ts";
import { concat, reshape } from "../ops/layout.ts";
import { reduceMean } from "../ops/reductions.ts";
import { slice } from "../ops/slicing.ts";

/** Whose images pass a layer: of one domain, or of both by turns, the source's first. */
export type DomainName = "source" | "target" | "both";

const epsilon = 1e-3;
const momentum = 0.9;

/**
 * Batch normalisation by the statistics of an image's own domain, with one scale and one shift for both (Chang, You, Seo, Kwak & Han 2019, §3.1, with the
 * affine part shared as in AdaBN): domains that differ in the mean and the variance of a channel are alike behind it. In training by the batch's, whose rows
 * are of both domains by turns, else by running ones; where only the source is trained on, its statistics are taken for the target's too. On [N, C] and [N, C, H, W].
 */
export function domainNormalization(name: string, domain: DomainName): Layer {
  return moduleLayer(name, (scope, x) => {
    const channels = Number(x.shape[1]);
    const scale = scope.param("gamma", [channels], { initializer: "ones" });
    const shift = scope.param("beta", [channels], { initializer: "zeros" });
    const mean = scope.param("movingMean", [2, channels], { initializer: "zeros", trainable: false });
    const variance = scope.param("movingVariance", [2, channels], { initializer: "ones", trainable: false });
    const own = domain === "both" ? 2 : 1;
    // [batch, domains, C, positions]
    const rows = reshape(x, [-1, own, channels, positionsOf(x)]);
    const perChannel = (values: Value) => reshape(values, [1, -1, channels, 1]);
    const { training, statistics } = scope.build;
    let [centre, spread] = [running(mean, domain), running(variance, domain)];
    if (training && statistics !== "frozen") {
      centre = reduceMean(rows, [0, 3], { keepdims: 0 });
      const centred = sub(rows, perChannel(centre));
      spread = reduceMean(mul(centred, centred), [0, 3], { keepdims: 0 });
      scope.update("movingMean", moved(mean, centre, domain));
      scope.update("movingVariance", moved(variance, spread, domain));
    }
    const normalised = div(sub(rows, perChannel(centre)), sqrt(add(perChannel(spread), epsilon)));
    const scaled = add(mul(normalised, perChannel(scale)), perChannel(shift));
    return reshape(scaled, [-1, ...x.shape.slice(1).map(Number)]);
  });
}

/** The row of a domain's running statistics; both, where nothing is trained, count as the source. */
function running(statistics: Value, domain: DomainName): Value {
  const row = domain === "target" ? 1 : 0;
  return slice(statistics, [row], [row + 1], [0]);
}

/** Running statistics [2, C] after a batch with these, [1 or 2, C]. */
function moved(old: Value, now: Value, domain: DomainName): Value {
  const next = add(mul(old, momentum), mul(now, 1 - momentum));
  return domain === "target" ? concat(slice(old, [0], [1], [0]), slice(next, [1], [2], [0]), { axis: 0 }) : next;
}

function positionsOf({ shape }: Value): number {
  return shape.slice(2).reduce((total: number, length) => total * Number(length), 1);
}
