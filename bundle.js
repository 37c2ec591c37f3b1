import { readdirSync, readFileSync } from "node:fs";
import { build } from "rolldown";

/** Packages of many small files, which take longer to be found than to be run. */
const bundled = ["@bufbuild/protobuf", "cli-progress", "commander", "zod"];

const { dependencies, optionalDependencies, peerDependencies } = JSON.parse(readFileSync("package.json", "utf8"));
const others = Object.keys({ ...dependencies, ...optionalDependencies, ...peerDependencies }).filter(
  (name) => !bundled.includes(name),
);

// The `graft` command in few files, so that it starts fast: one for what every command needs, one for each command, and one for each
// group of modules that some of them share. They lie as deep in dist/ as the modules, whose paths to other files stay true.
await build({
  input: "dist/cli/main.js",
  platform: "node",
  external: others.map((name) => new RegExp(`^${name}(/|$)`)),
  plugins: [licences()],
  output: { dir: "dist/bundle", format: "esm", cleanDir: true, chunkFileNames: "[name].js" },
});

// What a page imports as "graft/web": one file, beside onnxruntime-web, whose own files lie where it lies.
await build({
  input: { graft: "dist/web/index.js" },
  platform: "browser",
  plugins: [runtimePackage(), licences()],
  output: { dir: "dist/browser", format: "esm", cleanDir: true },
});

/** The runtime's file that lies beside the scripts of our own pages, by the name of its package. */
function runtimePackage() {
  return {
    name: "runtime-package",
    resolveId: (id) =>
      id.endsWith("/ort.wasm.bundle.min.mjs") ? { id: "onnxruntime-web/wasm", external: true } : undefined,
  };
}

/** Writes the licences of the packages that are in the bundle. */
function licences() {
  return {
    name: "licences",
    generateBundle(_options, bundle) {
      const modules = Object.values(bundle).flatMap((chunk) => (chunk.type === "chunk" ? chunk.moduleIds : []));
      const folders = new Set(modules.flatMap((id) => /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(id)?.[0] ?? []));
      const texts = [...folders].sort().map((folder) =>
        licenceOf(
          folder,
          modules.filter((id) => id.startsWith(`${folder}/`)),
        ),
      );
      const source = texts.join("\n\n---\n\n");
      this.emitFile({ type: "asset", fileName: "LICENSES.txt", source });
    },
  };
}

/** The package's own file, or what stands at the head of the modules that are bundled. */
function licenceOf(folder, files) {
  const { name, version, license } = JSON.parse(readFileSync(`${folder}/package.json`, "utf8"));
  const own = readdirSync(folder).find((file) => /^licen[cs]e/i.test(file));
  const heads = files.map((file) => /^(?:\/\/.*\n)*/.exec(readFileSync(file, "utf8"))?.[0].trim());
  const text = own === undefined ? [...new Set(heads)].join("\n\n") : readFileSync(`${folder}/${own}`, "utf8").trim();
  return `${name} ${version}, ${license}\n\n${text}`;
}
