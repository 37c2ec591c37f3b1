import { execFile } from "node:child_process";
import { createInterface } from "node:readline";
import { promisify } from "node:util";

const [, worker, only, threads] = process.argv;
if (only !== undefined) {
  console.log(await measureOnce(only, Number(threads)));
} else {
  // One job a line, ["load", file, threads], each in a process of its own; answers with milliseconds.
  for await (const line of createInterface({ input: process.stdin })) {
    const [, path, count] = JSON.parse(line);
    const { stdout } = await promisify(execFile)("node", [worker, path, count]);
    console.log(stdout.trim());
  }
}

/** From the runtime's own start over a model's file to a first prediction. */
async function measureOnce(path, intraOpNumThreads) {
  const pixels = new Float32Array(3 * 224 * 224);
  const start = performance.now();
  const { InferenceSession, Tensor } = await import("onnxruntime-node");
  const session = await InferenceSession.create(path, { intraOpNumThreads });
  await session.run({ input: new Tensor("float32", pixels, [1, 3, 224, 224]) });
  return performance.now() - start;
}
