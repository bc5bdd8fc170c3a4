import { Command } from "commander";
import { benchCommand } from "./commands/bench.ts";
import { checkCommand } from "./commands/check.ts";
import { configCommand } from "./commands/config.ts";
import { explainPeerCommand } from "./commands/explain-peer.ts";
import { helpCommand } from "./commands/help.ts";
import { keyCommand } from "./commands/key.ts";
import { mintCommand } from "./commands/mint.ts";
import { projectCommand } from "./commands/project.ts";
import { revokeCommand } from "./commands/revoke.ts";
import { serveCommand } from "./commands/serve.ts";
import { systemdCommand } from "./commands/systemd.ts";
import { reportOf } from "./failure.ts";
import { Session } from "./session.ts";
import { VERSION } from "./version.ts";
import type { World } from "./world.ts";

/** In the order in which help lists them. Each adds itself to the program. */
const commands: readonly ((program: Command, session: Session) => void)[] = [
  serveCommand,
  projectCommand,
  keyCommand,
  mintCommand,
  revokeCommand,
  checkCommand,
  benchCommand,
  configCommand,
  explainPeerCommand,
  systemdCommand,
  helpCommand,
];

/**
 * Runs one command line.
 *
 * @param argv what stands behind the program's name
 * @returns the exit code: 0, 1 for a failure, 2 for what cannot be understood
 */
export async function run(argv: readonly string[], world: World): Promise<number> {
  const session = new Session(world);
  try {
    await program(session).parseAsync(argv, { from: "user" });
    return session.exitCode;
  } catch (error) {
    const { code, sentences } = reportOf(error);
    for (const sentence of sentences) session.note(sentence);
    return code;
  }
}

function program(session: Session): Command {
  const { stdout, stderr } = session.world;
  const root = new Command("icebreaker")
    .description("One executable through which a browser behind a firewall makes its call: TURN, STUN and credentials.")
    .exitOverride()
    .configureOutput({ writeOut: stdout.write, writeErr: stderr.write, outputError: () => {} })
    .configureHelp({ showGlobalOptions: true })
    .option(
      "--config <file>",
      "the configuration file; else $ICEBREAKER_CONFIG, /etc/icebreaker/icebreaker.toml, ./icebreaker.toml",
    )
    .version(VERSION, "--version", "print the version")
    .helpOption("-h, --help", "print help")
    .helpCommand(false);
  for (const command of commands) command(root, session);
  return root;
}
