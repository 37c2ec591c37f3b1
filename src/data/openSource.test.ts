import { existsSync, mkdirSync, mkdtempSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { zipSync } from "fflate";
import { describe, expect, it } from "vitest";
import { GraftError } from "../base/errors.ts";
import { nodePlatform } from "../node/platform.ts";
import { readNpy } from "../weights/npy.ts";
import { openSource } from "./openSource.ts";
import type { Source } from "./source.ts";

const platform = nodePlatform();
const folder = mkdtempSync(join(tmpdir(), "graft-data-"));
const shared = "../shared/data";

describe("a CSV manifest", () => {
  it("reads paths, labels, splits and groups, and refuses paths that leave its folder", async () => {
    writeFileSync(
      join(folder, "set.csv"),
      'path,label,split,group\n"a,1.jpg",cat,train,x\nb.jpg,dog,val,y\n../../etc/passwd,dog,train,y\nc.jpg,,train,x\n',
    );
    writeFileSync(join(folder, "a,1.jpg"), "A");
    const source = await openSource(join(folder, "set.csv"), platform).catch((error) => error);
    expect(source).toBeInstanceOf(GraftError);
    writeFileSync(
      join(folder, "set.csv"),
      'path,label,split,group\n"a,1.jpg",cat,train,x\nd.jpg,dog,train,z\nb.jpg,dog,val,y\n../../etc/passwd,dog,train,y\n',
    );
    const read = await openSource(join(folder, "set.csv"), platform);
    expect(read.samples).toEqual([
      { id: "a,1.jpg", label: 0, split: "train", group: "x" },
      { id: "d.jpg", label: 1, split: "train", group: "z" },
      { id: "b.jpg", label: 1, split: "validation", group: "y" },
    ]);
    expect(read.problems).toEqual([{ id: "../../etc/passwd", reason: "leaves the manifest's folder" }]);
  });

  it.each([
    ["path,label\n/a.jpg,cat\n/b.jpg,dog\n", {}],
    ["path,kind\n/a.jpg,cat\n/b.jpg,dog\n", { targets: [{ name: "kind" }] }],
  ])("of which no row can be used says why", async (text, options) => {
    writeFileSync(join(folder, "outside.csv"), text);
    await expect(openSource(join(folder, "outside.csv"), platform, options)).rejects.toThrow(
      /none of its 2 rows can be used; "\/a.jpg" leaves the manifest's folder. Paths are relative/,
    );
  });

  it("says which columns it expects", async () => {
    writeFileSync(join(folder, "bad.csv"), "file,class\na.jpg,cat\n");
    await expect(openSource(join(folder, "bad.csv"), platform)).rejects.toThrow(
      /columns file, class; expected path,label/,
    );
  });
});

describe("a folder of class folders", () => {
  it("may hold links to others; one to a folder around it is passed over", async () => {
    const [classes, elsewhere] = [join(folder, "classes"), join(folder, "elsewhere")];
    for (const path of [join(classes, "cat"), elsewhere]) mkdirSync(path, { recursive: true });
    writeFileSync(join(classes, "cat", "1.jpg"), "one");
    writeFileSync(join(elsewhere, "2.jpg"), "two");
    symlinkSync(elsewhere, join(classes, "dog"));
    symlinkSync(classes, join(classes, "again"));
    symlinkSync(classes, join(classes, "cat", "again"));
    expect(await contents(await openSource(classes, platform))).toEqual({ "cat/1.jpg": "one", "dog/2.jpg": "two" });
  });
});

describe("a tar archive", () => {
  const files = { "set/cat/1.jpg": "one", "set/dog/2.jpg": "two", "../evil/3.jpg": "three" };

  it.each(["tar", "tar.gz"])("is read as .%s without unpacking, and nothing leaves it", async (ending) => {
    const path = join(folder, `set.${ending}`);
    writeFileSync(path, ending === "tar" ? tarOf(files) : gzipSync(tarOf(files)));
    const source = await openSource(path, platform);
    expect(source.labels).toEqual(["cat", "dog"]);
    expect(await contents(source)).toEqual({ "cat/1.jpg": "one", "dog/2.jpg": "two" });
  });

  it("fails clearly wherever it is cut or changed", async () => {
    const whole = tarOf({ "cat/1.jpg": "one", "dog/2.jpg": "two" });
    const path = join(folder, "broken.tar");
    await fc.assert(
      fc.asyncProperty(fc.nat(whole.length - 1), fc.nat(255), fc.boolean(), async (at, byte, cut) => {
        const broken = cut ? whole.subarray(0, at) : Buffer.from(whole);
        if (!cut) broken[at] = byte;
        writeFileSync(path, broken);
        const outcome = await openSource(path, platform).catch((error) => error);
        if (outcome instanceof Error) expect(outcome).toBeInstanceOf(GraftError);
      }),
      { numRuns: 200 },
    );
  });
});

describe("a NumPy archive", () => {
  it("reads MedMNIST's members", async () => {
    const bytes = zipSync({
      "train_images.npy": npyOf("|u1", [2, 2, 2], [1, 2, 3, 4, 5, 6, 7, 8]),
      "train_labels.npy": npyOf("|u1", [2, 1], [0, 1]),
    });
    writeFileSync(join(folder, "set.npz"), bytes);
    const source = await openSource(join(folder, "set.npz"), platform);
    expect(source.samples).toEqual([
      { id: "train#0", label: 0, split: "train" },
      { id: "train#1", label: 1, split: "train" },
    ]);
  });

  it("rejects any damaged array with a clear error", () => {
    const whole = npyOf("|u1", [2, 3], [1, 2, 3, 4, 5, 6]);
    fc.assert(
      fc.property(fc.nat(whole.length - 1), fc.nat(255), (at, byte) => {
        const broken = whole.slice();
        broken[at] = byte;
        try {
          readNpy(broken, "x");
        } catch (error) {
          expect(error).toBeInstanceOf(GraftError);
        }
      }),
    );
  });
});

describe("real data sets", () => {
  const sets: readonly { name: string; group?: string; classes: number; images: number; groups?: number }[] = [
    { name: "hymenoptera", classes: 2, images: 398 },
    { name: "mnist", classes: 10, images: 70_000 },
    { name: "pneumoniamnist/pneumoniamnist_merged.npz", classes: 2, images: 5855 },
    { name: "gtsrb.tar.gz", group: "^(\\d+/\\d+)_", classes: 43, images: 2971, groups: 888 },
    { name: "intel-scenes", classes: 6, images: 3065 },
  ];
  for (const { name, group, classes, images, groups } of sets) {
    it(`reads ${name}`, async ({ skip }) => {
      const path = join(shared, name);
      skip(!existsSync(path), `the data set "${name}" is not beside this checkout`);
      const source = await openSource(path, platform, { group });
      expect(source.labels).toHaveLength(classes);
      expect(source.samples).toHaveLength(images);
      if (groups !== undefined) expect(new Set(source.samples.map((sample) => sample.group)).size).toBe(groups);
    });
  }
});

it("tells an empty folder from a missing one", async () => {
  mkdirSync(join(folder, "empty"), { recursive: true });
  await expect(openSource(join(folder, "empty"), platform)).rejects.toThrow(/holds no files/);
  await expect(openSource(join(folder, "nowhere"), platform)).rejects.toThrow(/does not exist/);
});

async function contents(source: Source): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  for await (const { sample, image } of source.read(new Set(source.samples.map(({ id }) => id)))) {
    if (image.kind === "encoded") found[sample.id] = new TextDecoder().decode(image.bytes);
  }
  return found;
}

function tarOf(files: Readonly<Record<string, string>>): Buffer {
  const blocks = Object.entries(files).flatMap(([name, text]) => {
    const header = Buffer.alloc(512);
    header.write(name, 0);
    header.write("0000644\0", 100);
    header.write(`${text.length.toString(8).padStart(11, "0")}\0`, 124);
    header.write("        ", 148);
    header.write("0", 156);
    header.write("ustar\0", 257);
    const sum = header.reduce((a, b) => a + b, 0);
    header.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
    const body = Buffer.alloc(512);
    body.write(text);
    return [header, body];
  });
  return Buffer.concat([...blocks, Buffer.alloc(1024)]);
}

function npyOf(type: string, shape: readonly number[], values: readonly number[]): Uint8Array {
  const header = `{'descr': '${type}', 'fortran_order': False, 'shape': (${shape.join(", ")},), }\n`;
  const head = Buffer.alloc(10);
  head.writeUInt8(0x93);
  head.write("NUMPY", 1);
  head.writeUInt8(1, 6);
  head.writeUInt16LE(header.length, 8);
  return Uint8Array.from(Buffer.concat([head, Buffer.from(header), Buffer.from(values)]));
}
