import { readFileSync } from "node:fs";
import { Command, CommanderError, Option } from "commander";
import { GraftError, messageOf } from "../base/errors.ts";
import { nodePlatform } from "../node/platform.ts";
import { type DeviceWish, deviceNames } from "../platform/platform.ts";
import { menu } from "../tasks/menu.ts";
import type { Task, TaskEvent } from "../tasks/task.ts";
import { readConfig } from "./config.ts";
import { addFlags } from "./flags.ts";
import { type Sinks, Terminal } from "./terminal.ts";

const commands = { ...menu, serve: async () => (await import("../server/serve.ts")).serve };

/** Options that belong to the shell, not to a task. */
interface ShellOptions {
  readonly json?: boolean;
  readonly threads?: number;
  readonly device?: DeviceWish;
  readonly config?: string;
}

/** Runs the command line; resolves with the exit code. */
export async function runProgram(args: readonly string[], sinks: Sinks): Promise<number> {
  const program = new Command("graft")
    .description("Transfer learning for image recognition: from folders of photos to a classifier you can trust.")
    .version(version())
    .exitOverride()
    .configureOutput({ writeOut: (text) => sinks.out.write(text), writeErr: (text) => sinks.err.write(text) })
    .showHelpAfterError("(run with --help for all options)");
  for (const task of await tasksFor(args)) program.addCommand(commandOf(task, sinks));
  if (args.length === 0) {
    program.outputHelp();
    return 0;
  }
  try {
    await program.parseAsync(args, { from: "user" });
    return process.exitCode === undefined ? 0 : Number(process.exitCode);
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    return report(error, sinks);
  }
}

/** The one task that is called, or all of them, to be listed or guessed at. */
function tasksFor([name = ""]: readonly string[]): Promise<readonly Task[]> {
  const called = Object.entries(commands).find(([command]) => command === name);
  return Promise.all(called === undefined ? Object.values(commands).map((load) => load()) : [called[1]()]);
}

function commandOf(task: Task, sinks: Sinks): Command {
  const command = new Command(task.name).description(task.summary).exitOverride();
  command.configureOutput({ writeOut: (text) => sinks.out.write(text), writeErr: (text) => sinks.err.write(text) });
  addFlags(command, task);
  command
    .option("--config <file>", "JSON file with any of these options, such as a run's config.json; flags override it")
    .option("--threads <number>", "processor threads (default: all)", Number)
    .addOption(
      new Option(
        "--device <name>",
        "where to compute (default: cpu); auto takes what the runtime ships with and works",
      ).choices([...deviceNames, "auto"]),
    )
    .option("--json", "print events as NDJSON on standard output");
  command.action(async () => {
    const options = command.opts<ShellOptions & Record<string, unknown>>();
    const { json = false, threads, device, config, ...flags } = options;
    if (threads !== undefined && !(Number.isInteger(threads) && threads >= 1)) {
      throw new GraftError("usage", `--threads: found "${threads}"; expected a whole number ≥ 1.`);
    }
    const places = Object.fromEntries(
      task.positionals.flatMap((name, i) => {
        const value: unknown = command.processedArgs[i];
        return value === undefined ? [] : [[name, value]];
      }),
    );
    const stored = config === undefined ? {} : await readConfig(config, task);
    await perform(task, { ...stored, ...flags, ...places }, { json, threads, device }, sinks);
  });
  return command;
}

/** Runs a task and shows its events; Ctrl-C asks it to finish its step and save, a second one ends at once. */
async function perform(
  task: Task,
  input: unknown,
  options: { readonly json: boolean; readonly threads: number | undefined; readonly device: DeviceWish | undefined },
  sinks: Sinks,
): Promise<void> {
  const { threads, device } = options;
  const platform = nodePlatform({
    ...(threads === undefined ? {} : { threads }),
    ...(device === undefined ? {} : { device }),
  });
  const controller = new AbortController();
  const interrupt = () => {
    if (controller.signal.aborted) process.exit(130);
    sinks.err.write(`\n${task.parting}; Ctrl-C again to stop at once\n`);
    controller.abort();
  };
  process.on("SIGINT", interrupt);
  process.on("SIGTERM", interrupt);
  const terminal = new Terminal(sinks);
  const show = (event: TaskEvent) =>
    options.json ? void sinks.out.write(`${JSON.stringify(event)}\n`) : terminal.show(event);
  try {
    for await (const event of task.run(input, platform, controller.signal)) {
      show(event);
      if (event.type === "interrupted") process.exitCode = 130;
      // The engine computes on this thread: signals are delivered in between.
      if (event.type === "step" || event.type === "progress") await new Promise((resume) => setImmediate(resume));
    }
  } finally {
    terminal.close();
    process.off("SIGINT", interrupt);
    process.off("SIGTERM", interrupt);
  }
}

function report(error: unknown, sinks: Sinks): number {
  if (error instanceof GraftError) {
    sinks.err.write(`graft: ${error.message}\n`);
    return error.exitCode;
  }
  const details = error instanceof Error && error.stack !== undefined ? error.stack : messageOf(error);
  sinks.err.write(`graft: this is a defect in Graft, please report it:\n${details}\n`);
  return 1;
}

function version(): string {
  const text = readFileSync(new URL("../../package.json", import.meta.url), "utf8");
  const { version: found }: { version?: string } = JSON.parse(text);
  return found ?? "unknown";
}
