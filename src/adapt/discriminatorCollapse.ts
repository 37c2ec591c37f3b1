/** What an epoch of an adversarial training came to. */
export interface AdversarialEpoch {
  /** Of the network's own domain classifier, on images of both domains, in nats. */
  readonly discriminatorLoss: number;
  /** Of a linear classifier that is fitted anew on the same features. */
  readonly domainAccuracy: number;
}

/** So sure, it is wrong about one image in a hundred at most, and as small is the gradient. */
const leastLoss = 0.01;
/** So near ln 2, it gives one half to every image. */
const nothing = 0.005;
const apart = 0.95;

/**
 * Why a domain classifier teaches nothing, if so: it is so sure of every image that no gradient is left, or it says one half of every image where a plain linear
 * classifier tells the domains apart. One that is at a half because the domains are alike has done its work, and one that is fooled, worse than chance, will learn.
 */
export function uselessDiscriminator(epoch: AdversarialEpoch): string | undefined {
  const { discriminatorLoss, domainAccuracy } = epoch;
  if (discriminatorLoss < leastLoss) return "is sure of every image, so that nothing is left to learn from it";
  if (Math.abs(discriminatorLoss - Math.LN2) <= nothing && domainAccuracy >= apart)
    return "knows nothing, though a linear classifier tells the domains apart";
  return undefined;
}
