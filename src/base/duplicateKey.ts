/** The first key that one object of valid JSON gives twice, or nothing. `JSON.parse` would keep the last and say nothing. */
export function duplicateKey(json: string): string | undefined {
  const open: Set<string>[] = [];
  let text: string | undefined;
  for (const [token] of json.matchAll(/"(?:[^"\\]|\\.)*"|[{}[\]:,]/g)) {
    const keys = open.at(-1);
    if (token === "{" || token === "[") open.push(new Set());
    else if (token === "}" || token === "]") open.pop();
    else if (token === ":" && text !== undefined && keys !== undefined) {
      const key: unknown = JSON.parse(text);
      if (typeof key === "string" && keys.has(key)) return key;
      keys.add(String(key));
    }
    text = token.startsWith('"') ? token : undefined;
  }
  return undefined;
}
