import type { Preparation } from "../image/prepare.ts";
import type { Pixels } from "../platform/platform.ts";
import { viridisAt } from "./colourMap.ts";
import { forDisplay, type HeatMap, sampleAt } from "./heatMap.ts";

/** White pixels between the photo and its explanation. */
const gap = 8;
/** How much of the map's colour lies over the grey photo; where the network does not look, how bright that is. */
const share = 0.6;
const unseen = 0.35;

/** The photo, and beside it the same in grey with the map over what the network sees of it; the rest is dark. */
export function overlay(photo: Pixels, map: HeatMap, preparation: Preparation): Pixels {
  const { width, height } = photo;
  const shown = forDisplay(map);
  const across = placeOf(width, photo, preparation);
  const down = placeOf(height, photo, preparation);
  const wide = 2 * width + gap;
  const data = new Uint8Array(wide * height * 3).fill(255);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const colour = colourAt(photo, y * width + x);
      data.set(colour, 3 * (y * wide + x));
      data.set(explained(colour, shown, across(x), down(y)), 3 * (y * wide + width + gap + x));
    }
  }
  return { width: wide, height, channels: 3, data };
}

/** Where a pixel of a side of the photo comes to lie in the prepared image, from 0 to 1 within it. */
function placeOf(length: number, { width, height }: Pixels, { resizeTo, cropTo }: Preparation): (at: number) => number {
  const scale = resizeTo / Math.min(width, height);
  const cut = (length * scale - cropTo) / 2;
  return (at) => ((at + 0.5) * scale - cut) / cropTo;
}

function explained(colour: readonly number[], map: HeatMap, across: number, down: number): readonly number[] {
  const [red = 0, green = 0, blue = 0] = colour;
  const grey = 0.299 * red + 0.587 * green + 0.114 * blue; // luma of ITU-R BT.601
  const isSeen = across >= 0 && across <= 1 && down >= 0 && down <= 1;
  if (!isSeen) return [grey, grey, grey].map((level) => unseen * level);
  return viridisAt(sampleAt(map, across, down)).map((level) => share * level + (1 - share) * grey);
}

function colourAt({ channels, data }: Pixels, pixel: number): readonly number[] {
  const level = (channel: number) => data[channels === 3 ? 3 * pixel + channel : pixel] ?? 0;
  return [level(0), level(1), level(2)];
}
