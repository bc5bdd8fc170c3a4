import type { Command } from "commander";
import { parseUsername } from "../../credentials/credential.ts";
import { Failure, UsageError } from "../failure.ts";
import type { Session } from "../session.ts";
import { noProject } from "./project.ts";

interface Options {
  readonly json?: boolean;
  readonly yes?: boolean;
}

const SHARED = "This username has no label: all who minted in that second with that ttl share it, and all of them lose it";

/** `icebreaker revoke USERNAME`: one credential ends before its time. */
export function revokeCommand(program: Command, session: Session): void {
  program
    .command("revoke")
    .description("revoke a credential: no new allocation, and its live ones end, within a second")
    .argument("<username>", "<unix-expiry>:<project id>[:<label>]")
    .option("--yes", "do not ask where the pair may be shared")
    .option("--json", "print JSON, on a terminal too")
    .action((username: string, options: Options, command: Command) => revoke(session, username, options, command));
}

async function revoke(session: Session, username: string, options: Options, command: Command): Promise<void> {
  const parsed = parseUsername(username);
  if (!parsed) throw new UsageError(`"${username}" is not a username such as "1718200000:project_ab12:alice"`);
  await session.withStore(command, async (store, { settings }) => {
    if (!(await store.project(parsed.project))) throw noProject(parsed.project);
    if (parsed.label === undefined && options.yes !== true) await confirm(session);
    await store.revoke({
      username,
      expiresUnixMs: lastUseMs(session, parsed.expiresUnixMs, settings.credentials.max_allocation_age),
    });
    session.print({ json: { username, revoked: true }, table: `${username} is revoked` }, options);
  });
}

async function confirm(session: Session): Promise<void> {
  const { ask } = session.world;
  if (!ask) throw new UsageError(`${SHARED}. Say --yes if that is meant`);
  const answer = await ask(`${SHARED}.\nRevoke it? [y/N] `);
  if (!/^y(es)?$/i.test(answer.trim())) throw new Failure("Nothing was revoked");
}

/** An expired credential may have live allocations still, which a gateway that was away must hear of. */
function lastUseMs(session: Session, expiresUnixMs: number, maxAllocationAgeSeconds: number): number {
  return Math.max(expiresUnixMs, session.world.clock.now().unixMs + 1000 * maxAllocationAgeSeconds);
}
