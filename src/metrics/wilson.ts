/** 97.5 % point of the standard normal distribution. */
const z = 1.959963984540054;

/** The 95 % interval of a proportion (Wilson 1927), which stays within [0, 1] and has a width also when all or none are right. */
export function wilsonInterval(right: number, count: number): readonly [low: number, high: number] {
  const share = right / count;
  const scale = 1 / (1 + z ** 2 / count);
  const centre = share + z ** 2 / (2 * count);
  const reach = z * Math.sqrt((share * (1 - share)) / count + z ** 2 / (4 * count ** 2));
  return [Math.max(0, scale * (centre - reach)), Math.min(1, scale * (centre + reach))];
}
