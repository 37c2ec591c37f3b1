import { spawnSync } from "node:child_process";
import { chmod, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { storeContract } from "../platform/store.fixture.ts";
import { runScript } from "./childProcess.fixture.ts";
import { createStore } from "./store.ts";

const folders: string[] = [];
const newFolder = async () => {
  const folder = await mkdtemp(join(tmpdir(), "graft-store-"));
  folders.push(folder);
  return folder;
};
const store = createStore();

afterAll(async () => {
  for (const folder of folders) await rm(folder, { recursive: true, force: true });
});

storeContract("the file system", store, newFolder);

describe("the store over the file system", () => {
  it("follows links, and lists a broken one as other", async () => {
    const folder = await newFolder();
    await writeFile(join(folder, "a"), "a");
    await symlink(join(folder, "a"), join(folder, "link"));
    await symlink(join(folder, "none"), join(folder, "broken"));
    expect(await store.list(folder)).toEqual([
      { name: "a", kind: "file" },
      { name: "broken", kind: "other" },
      { name: "link", kind: "file" },
    ]);
    expect(await store.realPath(join(folder, "link"))).toBe(await store.realPath(join(folder, "a")));
  });

  it("says that it may not write", async () => {
    const folder = await newFolder();
    await chmod(folder, 0o555);
    const { stdout } = await runScript(`
      import { writeWhole } from "$/writeWhole.js";
      if (process.getuid() === 0) process.setuid(65534); // Root may write anywhere.
      await writeWhole(${JSON.stringify(join(folder, "a"))}, new Uint8Array(1)).catch((e) => console.log(e.code, e.message));`);
    expect(stdout).toMatch(
      /^system no permission while writing ".*a": change its owner or mode, or choose another folder/,
    );
  });

  it("says that the disk is full, and keeps the older file (skipped where no small disk can be mounted)", async (test) => {
    const disk = await newFolder();
    const mounted = spawnSync("mount", ["-t", "tmpfs", "-o", "size=64k", "graft-test", disk]).status === 0;
    test.skip(!mounted, "mounting a tmpfs is not permitted here");
    try {
      await store.write(join(disk, "a"), Uint8Array.of(1, 2, 3));
      const full = store.write(join(disk, "a"), new Uint8Array(200_000));
      await expect(full).rejects.toMatchObject({
        code: "system",
        message: `no space left on the device while writing "${join(disk, "a")}": free some, or choose a folder on another disk.`,
      });
      expect(await readdir(disk)).toEqual(["a"]);
      expect([...(await readFile(join(disk, "a")))]).toEqual([1, 2, 3]);
    } finally {
      spawnSync("umount", [disk]);
    }
  });

  it("never shows a torn file while two processes write it", async () => {
    const path = join(await newFolder(), "a");
    await store.write(path, new Uint8Array(300_000).fill(1));
    const writers = Promise.all([1, 2].map((value) => writeRepeatedly(path, value)));
    let done = false;
    void writers.finally(() => {
      done = true;
    });
    let looks = 0;
    for (; !done; looks++) {
      const bytes = await store.read(path);
      expect(bytes.length).toBe(300_000);
      expect(bytes.every((byte) => byte === bytes[0])).toBe(true);
    }
    await writers;
    expect(looks).toBeGreaterThan(0);
  });
});

/** Another process that writes 300,000 equal bytes to `path`, 40 times. */
async function writeRepeatedly(path: string, value: number): Promise<void> {
  await runScript(`
    import { writeWhole } from "$/writeWhole.js";
    for (let i = 0; i < 40; i++) await writeWhole(${JSON.stringify(path)}, new Uint8Array(300_000).fill(${value}));`);
}
