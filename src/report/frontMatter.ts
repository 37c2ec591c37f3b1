/** What YAML can hold here. */
export type YamlValue =
  | string
  | number
  | boolean
  | readonly YamlValue[]
  | { readonly [name: string]: YamlValue | undefined };

/** YAML between dashes, as a Hugging Face model card begins; strings are quoted as JSON, which YAML 1.2 reads. */
export function frontMatter(values: { readonly [name: string]: YamlValue | undefined }): string {
  return `---\n${linesOf(values).join("\n")}\n---\n`;
}

function linesOf(value: { readonly [name: string]: YamlValue | undefined }): readonly string[] {
  return Object.entries(value).flatMap(([name, held]) => {
    if (held === undefined) return [];
    if (isList(held)) return [`${name}:`, ...held.flatMap(itemLines)];
    if (typeof held === "object") return [`${name}:`, ...linesOf(held).map(indented)];
    return [`${name}: ${JSON.stringify(held)}`];
  });
}

function itemLines(item: YamlValue): readonly string[] {
  if (isList(item)) return item.flatMap(itemLines);
  if (typeof item !== "object") return [`- ${JSON.stringify(item)}`];
  return linesOf(item).map((line, i) => (i === 0 ? `- ${line}` : indented(line)));
}

function isList(value: YamlValue): value is readonly YamlValue[] {
  return Array.isArray(value);
}

function indented(line: string): string {
  return `  ${line}`;
}
