import { spawn } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { decodeOutputs, encodeRequest } from "../artefact/stageExchange.ts";
import { GraftError } from "../base/errors.ts";
import type { StageOutputs, StageRequest } from "../platform/platform.ts";

/** What the script ends with where Python lacks a package. */
const packagesMissing = 3;

/** Reads files as Python's users do, with Pillow, and runs the stages on its onnxruntime. What it needs of safetensors is written out. */
const script = `
import io, json, struct, sys
from pathlib import Path
try:
    import numpy as np
    import onnxruntime as ort
    from PIL import Image, ImageOps
except ImportError as error:
    print(error, file=sys.stderr)
    sys.exit(${packagesMissing})

folder = Path(sys.argv[1])

def read(path):
    data = path.read_bytes()
    start = 8 + struct.unpack("<Q", data[:8])[0]
    header = json.loads(data[8:start])
    header.pop("__metadata__", None)
    span = lambda entry: data[start + entry["data_offsets"][0]:start + entry["data_offsets"][1]]
    return {name: np.frombuffer(span(entry), np.uint8).reshape(entry["shape"]) for name, entry in header.items()}

def write(path, arrays):
    names = {"uint8": "U8", "float32": "F32"}
    header, parts, offset = {}, [], 0
    for name, array in arrays.items():
        part = np.ascontiguousarray(array).tobytes()
        header[name] = {"dtype": names[str(array.dtype)], "shape": list(array.shape), "data_offsets": [offset, offset + len(part)]}
        parts.append(part)
        offset += len(part)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + b"".join(parts))

def pixels(file):
    image = ImageOps.exif_transpose(Image.open(io.BytesIO(file)))
    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    return np.asarray(image.convert("RGB"))[None]

def answers(session, tensor):
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(names, {session.get_inputs()[0].name: tensor})))

given = read(folder / "request.safetensors")
sessions = {name: ort.InferenceSession(given[name].tobytes(), providers=["CPUExecutionProvider"]) for name in ("whole", "prepare", "network")}
found = {}
for i in range(int(sys.argv[2])):
    decoded = pixels(given[f"image/{i}"].tobytes())
    found[f"decoded/{i}"] = decoded
    found[f"prepared/{i}"] = next(iter(answers(sessions["prepare"], given[f"decoded/{i}"]).values()))
    for name, value in answers(sessions["network"], given[f"prepared/{i}"]).items():
        found[f"answers/{i}/{name}"] = value
    for name, value in answers(sessions["whole"], decoded).items():
        found[f"served/{i}/{name}"] = value
write(folder / "outputs.safetensors", found)
`;

/** What Python makes of a model and its images: `GRAFT_PYTHON`, else `python3`, with Pillow and onnxruntime. */
export async function runStagesInPython(request: StageRequest, signal: AbortSignal): Promise<readonly StageOutputs[]> {
  const folder = await mkdtemp(join(tmpdir(), "graft-python-"));
  const count = request.images.length;
  try {
    await writeFile(join(folder, "request.safetensors"), encodeRequest(request));
    await python(["-c", script, folder, String(count)], signal);
    return decodeOutputs(await readFile(join(folder, "outputs.safetensors")), count, "Python");
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function python(args: readonly string[], signal: AbortSignal): Promise<void> {
  const command = process.env["GRAFT_PYTHON"] ?? "python3";
  const { code, said } = await new Promise<{ readonly code: number | null; readonly said: string }>(
    (resolve, reject) => {
      const child = spawn(command, args, { stdio: ["ignore", "ignore", "pipe"], signal });
      let said = "";
      child.stderr.on("data", (text: Buffer) => {
        said += text;
      });
      child.on("error", reject);
      child.on("close", (code) => resolve({ code, said }));
    },
  ).catch((thrown: unknown) => {
    if (signal.aborted) throw new GraftError("interrupted", "stopped before Python had answered.");
    throw new GraftError("system", `"${command}" does not start. Install Python, or name it in GRAFT_PYTHON.`, {
      cause: thrown,
    });
  });
  if (code === 0) return;
  const last = said.trim().split("\n").at(-1) ?? "";
  if (code === packagesMissing) {
    throw new GraftError("system", `Python lacks a package (${last}): ${command} -m pip install onnxruntime pillow`);
  }
  throw new GraftError("system", `Python could not run the model: ${last}`);
}
