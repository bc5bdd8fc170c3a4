import type { Command } from "commander";
import { makeApiKey } from "../../credentials/api-key.ts";
import { Failure } from "../failure.ts";
import type { Session } from "../session.ts";
import { noProject, projectOf } from "./project.ts";

interface Options {
  readonly json?: boolean;
  readonly name?: string;
}

/** `icebreaker key create | list | revoke`. */
export function keyCommand(program: Command, session: Session): void {
  const key = program.command("key").description("create, list and revoke API keys").helpCommand(false);
  const json = ["--json", "print JSON, on a terminal too"] as const;

  key
    .command("create")
    .description("create an API key, which is shown this once")
    .argument("<project>", "project_…")
    .option("--name <text>", "what it is for")
    .option(...json)
    .action((project: string, options: Options, command: Command) => create(session, project, options, command));
  key
    .command("list")
    .description("list a project's API keys; the keys themselves are not kept")
    .argument("<project>", "project_…")
    .option(...json)
    .action((project: string, options: Options, command: Command) => list(session, project, options, command));
  key
    .command("revoke")
    .description("revoke an API key: it stops minting within a second; what it minted lives on until it expires")
    .argument("<key_id>", "the id that create and list show")
    .option(...json)
    .action((id: string, options: Options, command: Command) => revoke(session, id, options, command));
}

async function create(session: Session, project: string, options: Options, command: Command): Promise<void> {
  await session.withStore(command, async (store) => {
    if (!(await store.project(project))) throw noProject(project);
    const { text, hash } = makeApiKey(session.world.random);
    const { id } = await store.createKey({ project, name: options.name, hash });
    const key = text.revealText();
    session.print(
      { json: { id, key, project }, table: { columns: ["id", "key", "project"], rows: [[id, key, project]] } },
      options,
    );
    if (session.world.stderr.isTerminal) session.note("the key is shown this once, only its hash is kept");
  });
}

async function list(session: Session, project: string, options: Options, command: Command): Promise<void> {
  await session.withStore(command, async (store) => {
    await projectOf(store, project);
    const keys = (await store.keys(project)).map(({ id, name, createdUnixMs }) => {
      return { id, name: name ?? null, project, created: new Date(createdUnixMs).toISOString() };
    });
    const rows = keys.map(({ id, name, created }) => [id, name ?? "", project, created]);
    session.print({ json: keys, table: { columns: ["id", "name", "project", "created"], rows } }, options);
  });
}

async function revoke(session: Session, id: string, options: Options, command: Command): Promise<void> {
  await session.withStore(command, async (store) => {
    if (!(await store.revokeKey(id)))
      throw new Failure(`There is no key "${id}": "icebreaker key list PROJECT" shows a project's`);
    session.print({ json: { id, revoked: true }, table: `${id} is revoked` }, options);
  });
}
