import type { Command } from "commander";
import { nearest } from "../../lib/nearest.ts";
import { UsageError } from "../failure.ts";
import type { Session } from "../session.ts";

/** `icebreaker help [COMMAND]`: the parser's own would show everything for a command that is none. */
export function helpCommand(program: Command, _session: Session): void {
  program
    .command("help")
    .description("print help, of one command")
    .argument("[command...]", "project, or project create")
    .action((words: readonly string[]) => words.reduce(subcommand, program).outputHelp());
}

function subcommand(command: Command, word: string): Command {
  const found = command.commands.find((candidate) => candidate.name() === word);
  if (found) return found;
  const names = command.commands.map((candidate) => candidate.name());
  const meant = nearest(word, names);
  throw new UsageError(
    `there is no command "${word}": ${meant === undefined ? 'see "icebreaker help"' : `did you mean ${meant}?`}`,
  );
}
