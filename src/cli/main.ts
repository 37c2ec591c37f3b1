import { runProgram } from "./program.ts";

// Readers such as `head` close the pipe early; that is no failure of ours.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code === "EPIPE") process.exit(0);
  throw error;
});

process.exitCode = await runProgram(process.argv.slice(2), { out: process.stdout, err: process.stderr });
