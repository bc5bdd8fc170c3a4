import type { Command } from "commander";
import type { Session } from "../session.ts";

/** `icebreaker serve`: the gateway, in the foreground. */
export function serveCommand(program: Command, session: Session): void {
  program
    .command("serve")
    .description("run the gateway in the foreground; SIGHUP reloads, SIGTERM drains, a second one ends at once")
    .action(async (_options: object, command: Command) => {
      const loaded = session.load(command);
      const { runGateway } = await import("../../gateway/gateway.ts"); // no other command waits for it to load
      session.exitCode = await runGateway(loaded, () => session.load(command));
    });
}
