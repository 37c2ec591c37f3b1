import { Argument, type Command, Option } from "commander";
import { z } from "zod";
import type { Task } from "../tasks/task.ts";

/** What the JSON schema of an input says of one field: enough to make its flag. */
const fieldSchema = z.object({
  description: z.string().optional(),
  default: z.unknown().optional(),
  type: z.string().optional(),
  enum: z.array(z.string()).optional(),
});
type Field = z.output<typeof fieldSchema>;

/** The fields of a task's input, by name. */
export function fieldsOf(task: Task): ReadonlyMap<string, Field> {
  const schema = z
    .object({ properties: z.record(z.string(), fieldSchema) })
    .parse(z.toJSONSchema(task.input, { io: "input" }));
  return new Map(Object.entries(schema.properties));
}

/** Adds the arguments and flags of a task's input to its command. Values are converted here and checked by the schema later. */
export function addFlags(command: Command, task: Task): void {
  const required = new Set(
    z.object({ required: z.array(z.string()).default([]) }).parse(z.toJSONSchema(task.input, { io: "input" })).required,
  );
  for (const [name, field] of fieldsOf(task)) {
    const description = describe(field);
    if (task.positionals.includes(name)) {
      const many = field.type === "array" ? "..." : "";
      command.addArgument(new Argument(required.has(name) ? `<${name}${many}>` : `[${name}${many}]`, description));
      continue;
    }
    const flag = `--${kebab(name)}`;
    const option = new Option(field.type === "boolean" ? flag : `${flag} <${placeholder(field)}>`, description);
    if (field.enum !== undefined) option.choices(field.enum);
    if (required.has(name)) option.makeOptionMandatory();
    if (field.type === "integer" || field.type === "number")
      option.argParser((text: string) => (text.trim() === "" ? text : Number(text)));
    command.addOption(option);
  }
}

export function kebab(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

function describe(field: Field): string {
  const fallback =
    field.default === undefined || field.default === false || isEmpty(field.default)
      ? ""
      : ` (default: ${String(field.default)})`;
  return `${field.description ?? ""}${fallback}`;
}

function isEmpty(value: unknown): boolean {
  return Array.isArray(value) && value.length === 0;
}

function placeholder(field: Field): string {
  if (field.enum !== undefined) return "name";
  return field.type === "integer" || field.type === "number" ? "number" : "value";
}
