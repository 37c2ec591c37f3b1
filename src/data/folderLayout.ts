import { GraftError } from "../base/errors.ts";
import type { Problem, Sample, SplitName } from "./source.ts";

/** Names of split folders, in any case. */
const splitFolders: ReadonlyMap<string, SplitName> = new Map([
  ["train", "train"],
  ["training", "train"],
  ["val", "validation"],
  ["valid", "validation"],
  ["validation", "validation"],
  ["test", "test"],
  ["testing", "test"],
]);

const imageFile = /\.(jpe?g|jpe|png|gif|webp|tiff?|avif|ppm|pgm|pnm)$/i;
const ignored = /(^|\/)(\.|__MACOSX\/|Thumbs\.db$|desktop\.ini$)/i;

export interface Layout {
  readonly labels: readonly string[];
  readonly samples: readonly Sample[];
  readonly problems: readonly Problem[];
  /** What the paths share before the classes begin, to be put before an id to find the file. */
  readonly root: string;
}

/**
 * Understands `class/photo.jpg` and `train/class/photo.jpg` (val, valid, validation, test), folders nested below a class included.
 * One folder around everything is looked through, as archives have it.
 *
 * @param paths of all files, relative, with forward slashes
 * @throws `data` when there are no class folders, saying what was expected
 */
export function readLayout(paths: readonly string[], where: string): Layout {
  const files = paths.filter((path) => !ignored.test(path)).sort(byCodeUnit);
  if (files.length === 0) throw new GraftError("data", `"${where}" holds no files. ${expectation}`);
  const root = wrapper(files);
  const relative = files.map((path) => path.slice(root.length));
  const hasSplits = relative.some((path) => splitFolders.has((path.split("/")[0] ?? "").toLowerCase()));
  const problems: Problem[] = [];
  const found: { readonly id: string; readonly className: string; readonly split: SplitName | undefined }[] = [];
  for (const id of relative) {
    const parts = id.split("/");
    const split = hasSplits ? splitFolders.get((parts[0] ?? "").toLowerCase()) : undefined;
    const inClass = split === undefined ? parts : parts.slice(1);
    const [className = ""] = inClass;
    if (hasSplits && split === undefined) problems.push({ id, reason: "lies outside the split folders" });
    else if (inClass.length < 2) problems.push({ id, reason: "lies in no class folder" });
    else if (!imageFile.test(id)) problems.push({ id, reason: "is not an image by its name" });
    else found.push({ id, className, split });
  }
  const labels = [...new Set(found.map(({ className }) => className))].sort(byCodeUnit);
  if (labels.length === 0) throw new GraftError("data", `"${where}" has no class folders with images. ${expectation}`);
  const index = new Map(labels.map((label, i) => [label, i]));
  const samples = found.map(({ id, className, split }) => ({
    id,
    label: index.get(className) ?? 0,
    ...(split === undefined ? {} : { split }),
  }));
  return { labels, samples, problems, root };
}

/** Photos that lie in no sub-folder, with the label −1; nothing where any file lies in one. */
export function readUnlabelled(paths: readonly string[]): Layout | undefined {
  const files = paths.filter((path) => !ignored.test(path)).sort(byCodeUnit);
  const images = files.filter((path) => imageFile.test(path));
  if (images.length === 0 || files.some((path) => path.includes("/"))) return undefined;
  const others = files.filter((path) => !imageFile.test(path));
  return {
    labels: [],
    samples: images.map((id) => ({ id, label: -1 })),
    problems: others.map((id) => ({ id, reason: "is not an image by its name" })),
    root: "",
  };
}

const expectation =
  "Expected one folder for each class with its photos inside (cats/1.jpg, dogs/2.jpg), or the same below train, val and test.";

/** The one folder that everything lies in, unless it is a class or a split itself. */
function wrapper(paths: readonly string[]): string {
  let root = "";
  for (;;) {
    const rest = paths.map((path) => path.slice(root.length));
    const first = rest[0]?.split("/")[0] ?? "";
    const shared = rest.every((path) => path.startsWith(`${first}/`)) && !splitFolders.has(first.toLowerCase());
    const deep = rest.some((path) => path.split("/").length > 2);
    if (!shared || !deep) return root;
    root += `${first}/`;
  }
}

function byCodeUnit(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
