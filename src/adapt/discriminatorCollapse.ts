/** What an epoch of an adversarial training came to. */
export interface AdversarialEpoch {
  /** Of the network's own domain classifier, on images of both domains. */
  readonly discriminatorAccuracy: number;
  readonly discriminatorLoss: number;
  /** Of a linear classifier that is fitted anew on the same features. */
  readonly domainAccuracy: number;
}

/** Its gradient is less than this share of what a classifier that knows nothing gives. */
const leastLoss = 0.01;
/** Near chance, or below it. */
const blind = 0.55;
const apart = 0.95;

/**
 * Why a domain classifier teaches nothing, if so: it is so sure of every image that no gradient is left, or it is no better than chance where a plain linear
 * classifier tells the domains apart. One that is at chance because the domains are alike has done its work.
 */
export function uselessDiscriminator(epoch: AdversarialEpoch): string | undefined {
  const { discriminatorAccuracy, discriminatorLoss, domainAccuracy } = epoch;
  if (discriminatorLoss < leastLoss) return "is sure of every image, so that nothing is left to learn from it";
  if (discriminatorAccuracy <= blind && domainAccuracy >= apart)
    return "is no better than chance, though a linear classifier tells the domains apart";
  return undefined;
}
