import { createInterface } from "node:readline";
import { InferenceSession, Tensor } from "onnxruntime-node";

// One job a line, ["load", file, threads]: opens the model, runs it once and lets it go; answers with milliseconds.
for await (const line of createInterface({ input: process.stdin })) {
  const [, path, threads] = JSON.parse(line);
  const pixels = new Float32Array(3 * 224 * 224);
  const start = performance.now();
  const session = await InferenceSession.create(path, { intraOpNumThreads: Number(threads) });
  await session.run({ input: new Tensor("float32", pixels, [1, 3, 224, 224]) });
  await session.release();
  console.log(performance.now() - start);
}
