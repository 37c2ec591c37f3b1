/** Red, green and blue of viridis (van der Walt & Smith 2015, matplotlib) at equal distances: perceptually uniform, also for the colour-blind and in grey. Between them it is at most 2 levels of 255 off. */
const viridis = [
  [68, 1, 84],
  [71, 13, 96],
  [72, 24, 106],
  [72, 35, 116],
  [71, 45, 123],
  [69, 54, 129],
  [66, 64, 134],
  [63, 73, 137],
  [59, 82, 139],
  [55, 90, 141],
  [51, 99, 141],
  [47, 106, 142],
  [44, 114, 142],
  [41, 122, 142],
  [38, 129, 142],
  [35, 137, 142],
  [33, 144, 140],
  [31, 152, 139],
  [31, 159, 136],
  [33, 166, 133],
  [40, 174, 128],
  [49, 181, 123],
  [62, 188, 116],
  [76, 194, 108],
  [93, 201, 99],
  [110, 206, 88],
  [130, 211, 76],
  [150, 216, 63],
  [171, 220, 50],
  [192, 223, 36],
  [213, 226, 26],
  [234, 229, 26],
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
