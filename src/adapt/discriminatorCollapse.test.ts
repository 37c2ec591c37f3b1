import { describe, expect, it } from "vitest";
import { uselessDiscriminator } from "./discriminatorCollapse.ts";

const epoch = { discriminatorLoss: 0.4, domainAccuracy: 0.97 };

describe("a domain classifier", () => {
  it("is of use while it knows something and is not sure", () => {
    expect(uselessDiscriminator(epoch)).toBe(undefined);
  });

  it("is of none once it is sure of every image", () => {
    expect(uselessDiscriminator({ ...epoch, discriminatorLoss: 1e-9 })).toMatch(/is sure/);
  });

  it("is of none where it knows nothing, but where the domains have become alike or it is fooled", () => {
    const knowsNothing = { ...epoch, discriminatorLoss: Math.LN2 };
    expect(uselessDiscriminator(knowsNothing)).toMatch(/knows nothing/);
    expect(uselessDiscriminator({ ...knowsNothing, domainAccuracy: 0.6 })).toBe(undefined);
    expect(uselessDiscriminator({ ...epoch, discriminatorLoss: 0.9 })).toBe(undefined);
  });
});
