// What a user would write to classify one photo without Graft: the model's file, onnxruntime-node and sharp.
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";

// Both by `require`, which loads them fastest.
const require = createRequire(import.meta.url);
const { InferenceSession, Tensor } = require("onnxruntime-node");
const sharp = require("sharp");

const [, , model, photo, threads] = process.argv;
const session = await InferenceSession.create(await readFile(model), { intraOpNumThreads: Number(threads) });
const { data, info } = await sharp(photo).raw().toBuffer({ resolveWithObject: true });
const { probabilities } = await session.run({ image: new Tensor("uint8", data, [1, info.height, info.width, 3]) });
console.log(Array.from(probabilities.data).join(" "));
