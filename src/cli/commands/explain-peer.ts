import type { Command } from "commander";
import { explainPeer } from "../../gateway/explain-peer.ts";
import { lookAtHost } from "../../gateway/host.ts";
import { UsageError } from "../failure.ts";
import type { Session } from "../session.ts";
import { projectOf } from "./project.ts";

interface Options {
  readonly json?: boolean;
  readonly project?: string;
}

/** `icebreaker explain-peer ADDRESS`: allowed or denied, and by which rule. */
export function explainPeerCommand(program: Command, session: Session): void {
  program
    .command("explain-peer")
    .description("say whether relayed packets may go to an address, and by which rule")
    .argument("<address>", "an IP address, or one with a port: 192.0.2.1:5000, [2001:db8::1]:5000")
    .option("--project <id>", "for this project; all have the same rules")
    .option("--json", "print JSON, on a terminal too")
    .action((address: string, options: Options, command: Command) => explain(session, address, options, command));
}

async function explain(session: Session, address: string, options: Options, command: Command): Promise<void> {
  const { project } = options;
  if (project !== undefined) await session.withStore(command, (store) => projectOf(store, project));
  const explanation = await explainPeer(session.load(command).settings, await lookAtHost(), address);
  if (!explanation) throw new UsageError(`"${address}" is not an IP address, with a port or without`);
  session.print({ json: explanation, table: `${explanation.peer} is ${explanation.rule}` }, options);
}
