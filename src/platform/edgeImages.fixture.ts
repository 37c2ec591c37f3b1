/** What a file of `edge-images` must give: these pixels, or an `input` error with this message. */
export type Expected =
  | {
      readonly width: number;
      readonly height: number;
      /** The mean of each channel. */
      readonly mean: readonly [number, number, number];
      /** [x, y, [red, green, blue]]. */
      readonly pixels: readonly (readonly [number, number, readonly [number, number, number]])[];
    }
  | { readonly error: RegExp };

/** The limit of pixels at which the errors below were written down. */
export const edgeLimitPixels = 50_000_000;

/**
 * The numbers are Pillow 13.0's: `exif_transpose`, then `alpha_composite` over white where there is alpha, then `convert("RGB")`;
 * no ICC transform. sharp 0.35.5 gives the same bytes for every file but `uncompressed_la.png`, where 5 % differ by one level.
 */
export const edgeImages: Readonly<Record<string, Expected>> = {
  "65536-uint32-limit.png": { error: /^65536×65536 pixels, over the limit of 50,000,000$/ },
  "Channel_digital_image_CMYK_color_no_profile.jpg": {
    width: 500,
    height: 333,
    mean: [109.04, 132.09, 109.59],
    pixels: [
      [0, 0, [200, 228, 255]],
      [250, 166, [162, 213, 118]],
      [499, 111, [95, 110, 97]],
    ],
  },
  "Flag_of_the_Netherlands-16bit.png": {
    width: 900,
    height: 600,
    mean: [154.24, 117.6, 144.5],
    pixels: [
      [0, 0, [174, 28, 40]],
      [450, 300, [255, 255, 255]],
      [899, 200, [174, 28, 40]],
    ],
  },
  "Landscape_0.jpg": {
    width: 1800,
    height: 1200,
    mean: [98.39, 115.71, 134.13],
    pixels: [
      [0, 0, [111, 157, 217]],
      [900, 600, [122, 138, 153]],
      [1799, 400, [17, 17, 17]],
    ],
  },
  "Landscape_1.jpg": {
    width: 1800,
    height: 1200,
    mean: [98.26, 115.6, 134.04],
    pixels: [
      [0, 0, [111, 157, 217]],
      [900, 600, [254, 255, 255]],
      [1799, 400, [15, 15, 15]],
    ],
  },
  "Landscape_2.jpg": {
    width: 1800,
    height: 1200,
    mean: [98.39, 115.71, 134.13],
    pixels: [
      [0, 0, [109, 158, 217]],
      [900, 600, [249, 250, 252]],
      [1799, 400, [16, 14, 15]],
    ],
  },
  "Landscape_3.jpg": {
    width: 1800,
    height: 1200,
    mean: [98.38, 115.7, 134.12],
    pixels: [
      [0, 0, [109, 158, 217]],
      [900, 600, [120, 136, 152]],
      [1799, 400, [16, 14, 15]],
    ],
  },
  "Landscape_4.jpg": {
    width: 1800,
    height: 1200,
    mean: [98.36, 115.68, 134.11],
    pixels: [
      [0, 0, [111, 157, 217]],
      [900, 600, [121, 129, 142]],
      [1799, 400, [15, 15, 15]],
    ],
  },
  "Landscape_5.jpg": {
    width: 1800,
    height: 1200,
    mean: [98.4, 115.72, 134.14],
    pixels: [
      [0, 0, [112, 158, 218]],
      [900, 600, [115, 131, 146]],
      [1799, 400, [13, 11, 12]],
    ],
  },
  "Landscape_6.jpg": {
    width: 1800,
    height: 1200,
    mean: [98.43, 115.74, 134.16],
    pixels: [
      [0, 0, [110, 159, 218]],
      [900, 600, [115, 131, 147]],
      [1799, 400, [13, 11, 12]],
    ],
  },
  "Landscape_7.jpg": {
    width: 1800,
    height: 1200,
    mean: [98.3, 115.63, 134.06],
    pixels: [
      [0, 0, [110, 159, 218]],
      [900, 600, [255, 254, 255]],
      [1799, 400, [13, 11, 12]],
    ],
  },
  "Landscape_8.jpg": {
    width: 1800,
    height: 1200,
    mean: [98.44, 115.75, 134.17],
    pixels: [
      [0, 0, [112, 158, 218]],
      [900, 600, [115, 131, 146]],
      [1799, 400, [12, 12, 12]],
    ],
  },
  "broken.png": { error: /ends early|damaged/ },
  "broken_data_stream.png": { error: /ends early|damaged/ },
  "chi.gif": {
    width: 320,
    height: 240,
    mean: [249.74, 250.95, 246.99],
    pixels: [
      [0, 0, [0, 1, 0]],
      [160, 120, [254, 255, 252]],
      [319, 80, [0, 1, 0]],
    ],
  },
  "corrupt-header.jpg": { error: /^ends early: the file is truncated$/ },
  "decompression_bomb.gif": { error: /ends early|over the limit/ },
  "full-transparent.png": {
    width: 300,
    height: 300,
    mean: [255.0, 255.0, 255.0],
    pixels: [
      [0, 0, [255, 255, 255]],
      [150, 150, [255, 255, 255]],
      [299, 100, [255, 255, 255]],
    ],
  },
  "giant-image.jpg": { error: /^20000×14000 pixels, over the limit of 50,000,000$/ },
  "hippopotamus.interlaced.png": {
    width: 36,
    height: 28,
    mean: [110.76, 151.86, 156.29],
    pixels: [
      [0, 0, [114, 114, 114]],
      [18, 14, [46, 91, 82]],
      [35, 9, [178, 178, 178]],
    ],
  },
  "hopper.webp": {
    width: 128,
    height: 128,
    mean: [89.78, 80.08, 95.53],
    pixels: [
      [0, 0, [21, 21, 60]],
      [64, 64, [170, 84, 51]],
      [127, 42, [99, 137, 199]],
    ],
  },
  "hopper_bad_exif.jpg": {
    width: 500,
    height: 500,
    mean: [125.48, 125.48, 125.48],
    pixels: [
      [0, 0, [0, 0, 0]],
      [250, 250, [255, 255, 255]],
      [499, 166, [255, 255, 255]],
    ],
  },
  "hopper_gray.jpg": {
    width: 128,
    height: 128,
    mean: [84.69, 84.69, 84.69],
    pixels: [
      [0, 0, [26, 26, 26]],
      [64, 64, [99, 99, 99]],
      [127, 42, [132, 132, 132]],
    ],
  },
  "icc_profile_big.jpg": {
    width: 425,
    height: 250,
    mean: [57.41, 106.94, 168.48],
    pixels: [
      [0, 0, [2, 23, 90]],
      [212, 125, [11, 109, 198]],
      [424, 83, [1, 74, 168]],
    ],
  },
  "lfs-pointer.jpg": { error: /^not an image file \(a Git LFS pointer: run "git lfs pull"\)/ },
  "p_trns_single.png": {
    width: 64,
    height: 64,
    mean: [127.91, 176.34, 162.71],
    pixels: [
      [0, 0, [255, 0, 0]],
      [32, 32, [255, 255, 255]],
      [63, 21, [0, 50, 255]],
    ],
  },
  "peacock.default.truncated.jpeg": { error: /^ends early: the file is truncated$/ },
  "peacock.progressive.jpeg": {
    width: 100,
    height: 75,
    mean: [151.47, 135.82, 107.87],
    pixels: [
      [0, 0, [78, 77, 23]],
      [50, 37, [172, 186, 151]],
      [99, 25, [124, 88, 54]],
    ],
  },
  "pil_sample_cmyk.jpg": {
    width: 100,
    height: 100,
    mean: [30.23, 5.44, 7.39],
    pixels: [
      [0, 0, [255, 13, 25]],
      [50, 50, [1, 4, 5]],
      [99, 33, [1, 4, 5]],
    ],
  },
  "rotating-squares.webp": {
    width: 80,
    height: 80,
    mean: [199.42, 216.1, 226.18],
    pixels: [
      [0, 0, [255, 255, 255]],
      [40, 40, [255, 255, 255]],
      [79, 26, [255, 255, 255]],
    ],
  },
  "tbgn2c16.png": {
    width: 32,
    height: 32,
    mean: [167.22, 174.44, 169.34],
    pixels: [
      [0, 0, [255, 255, 255]],
      [16, 16, [158, 158, 158]],
      [31, 10, [255, 255, 255]],
    ],
  },
  "testimgl.jpg": {
    width: 227,
    height: 149,
    mean: [145.9, 90.02, 81.02],
    pixels: [
      [0, 0, [48, 46, 44]],
      [113, 74, [244, 44, 52]],
      [226, 49, [254, 254, 252]],
    ],
  },
  "tiny.png": {
    width: 4,
    height: 4,
    mean: [178.75, 185.12, 171.31],
    pixels: [
      [0, 0, [255, 255, 255]],
      [2, 2, [192, 208, 183]],
      [3, 1, [131, 126, 114]],
    ],
  },
  "truncated.jpg": { error: /^ends early: the file is truncated$/ },
  "truncated_image.png": { error: /^ends early: the file is truncated$/ },
  "truncated_jpeg.jpg": { error: /^ends early: the file is truncated$/ },
  "uncompressed_la.png": {
    width: 128,
    height: 128,
    mean: [241.4, 241.4, 241.4],
    pixels: [
      [0, 0, [255, 255, 255]],
      [64, 64, [255, 255, 255]],
      [127, 42, [255, 255, 255]],
    ],
  },
  "zero-bytes.jpg": { error: /^is empty: 0 bytes$/ },
};
