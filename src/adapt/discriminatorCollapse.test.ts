import { describe, expect, it } from "vitest";
import { uselessDiscriminator } from "./discriminatorCollapse.ts";

const epoch = { discriminatorAccuracy: 0.8, discriminatorLoss: 0.4, domainAccuracy: 0.97 };

describe("a domain classifier", () => {
  it("is of use while it knows something and is not sure", () => {
    expect(uselessDiscriminator(epoch)).toBe(undefined);
  });

  it("is of none once it is sure of every image", () => {
    expect(uselessDiscriminator({ ...epoch, discriminatorAccuracy: 1, discriminatorLoss: 1e-9 })).toMatch(/is sure/);
  });

  it("is of none at chance, but where the domains have become alike", () => {
    const atChance = { ...epoch, discriminatorAccuracy: 0.5, discriminatorLoss: Math.LN2 };
    expect(uselessDiscriminator(atChance)).toMatch(/no better than chance/);
    expect(uselessDiscriminator({ ...atChance, domainAccuracy: 0.6 })).toBe(undefined);
  });
});
