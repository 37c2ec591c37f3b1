import { describe, expect, it } from "vitest";
import { readLayout } from "./folderLayout.ts";

describe("a folder layout", () => {
  it("takes each folder as a class, in code unit order", () => {
    const { labels, samples } = readLayout(["b/2.jpg", "a/1.png", "B/3.webp"], "photos");
    expect(labels).toEqual(["B", "a", "b"]);
    expect(samples.map(({ id, label }) => [id, label])).toEqual([
      ["B/3.webp", 0],
      ["a/1.png", 1],
      ["b/2.jpg", 2],
    ]);
  });

  it("knows split folders in any case and by their usual names", () => {
    const { samples, labels } = readLayout(
      ["Train/a/1.jpg", "train/b/1.jpg", "VALID/a/2.jpg", "test/b/3.jpg"],
      "photos",
    );
    expect(labels).toEqual(["a", "b"]);
    expect(samples.map(({ split }) => split)).toEqual(["train", "validation", "test", "train"]);
  });

  it("looks through one folder around everything, but not through a class", () => {
    expect(readLayout(["gtsrb/0/1.ppm", "gtsrb/1/1.ppm"], "x")).toMatchObject({ labels: ["0", "1"], root: "gtsrb/" });
    expect(readLayout(["cats/1.jpg", "cats/2.jpg"], "x").labels).toEqual(["cats"]);
  });

  it("lists what lies in no class and what is no image, and passes over hidden files", () => {
    const { problems } = readLayout(
      ["a/1.jpg", "b/1.jpg", "loose.jpg", "a/notes.txt", ".DS_Store", "a/.hidden.jpg"],
      "x",
    );
    expect(problems).toEqual([
      { id: "a/notes.txt", reason: "is not an image by its name" },
      { id: "loose.jpg", reason: "lies in no class folder" },
    ]);
  });

  it("keeps class names that objects already have", () => {
    expect(readLayout(["__proto__/1.jpg", "constructor/1.jpg"], "x").labels).toEqual(["__proto__", "constructor"]);
  });

  it("says what is expected where there are no classes", () => {
    expect(() => readLayout([], "x")).toThrow(/holds no files.*one folder for each class/s);
    expect(() => readLayout(["1.jpg"], "x")).toThrow(/no class folders/);
  });
});
