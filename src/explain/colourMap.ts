/** Red, green and blue of viridis (van der Walt & Smith 2015, matplotlib) at equal distances: perceptually uniform, also for the colour-blind and in grey. */
const viridis = [
  [68, 1, 84],
  [71, 45, 123],
  [59, 82, 139],
  [44, 114, 142],
  [33, 145, 140],
  [40, 174, 128],
  [94, 201, 98],
  [173, 220, 48],
  [253, 231, 37],
] as const;

/** The colour of a value from 0 to 1. */
export function viridisAt(value: number): readonly [red: number, green: number, blue: number] {
  const place = Math.min(1, Math.max(0, value)) * (viridis.length - 1);
  const below = Math.min(viridis.length - 2, Math.floor(place));
  const from = viridis[below] ?? viridis[0];
  const to = viridis[below + 1] ?? from;
  const between = (channel: 0 | 1 | 2) => Math.round(from[channel] + (place - below) * (to[channel] - from[channel]));
  return [between(0), between(1), between(2)];
}
