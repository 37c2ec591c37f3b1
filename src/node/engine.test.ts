import { engineContract } from "../platform/engine.fixture.ts";
import { createEngine } from "./engine.ts";

engineContract("onnxruntime-node", () => createEngine({ runtime: "native" }));
engineContract("onnxruntime-web in Node", () => createEngine({ runtime: "wasm" }));
