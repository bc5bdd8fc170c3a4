import type { Command } from "commander";
import type { Project, Store } from "../../store/store.ts";
import { Failure, UsageError } from "../failure.ts";
import type { Table } from "../output.ts";
import { checkRegions, knownRegions } from "../regions.ts";
import type { Session } from "../session.ts";

interface Options {
  readonly json?: boolean;
  readonly name?: string;
  readonly region?: readonly string[];
}

/** `icebreaker project create | list | show | update | delete`. */
export function projectCommand(program: Command, session: Session): void {
  const project = program.command("project").description("create, list, show, update and delete projects").helpCommand(false);
  const json = ["--json", "print JSON, on a terminal too"] as const;
  const region = ["--region <slug>", "a region to enable, once for each", collect] as const;

  project
    .command("create")
    .description("create a project; without --region in every region")
    .argument("<name>", "what people call it")
    .option(...region)
    .option(...json)
    .action((name: string, options: Options, command: Command) => create(session, name, options, command));
  project
    .command("list")
    .description("list all projects")
    .option(...json)
    .action((options: Options, command: Command) => list(session, options, command));
  project
    .command("show")
    .description("show a project")
    .argument("<id>", "project_…")
    .option(...json)
    .action((id: string, options: Options, command: Command) => show(session, id, options, command));
  project
    .command("update")
    .description("change a project's name, or the regions that are enabled")
    .argument("<id>", "project_…")
    .option("--name <name>", "its new name")
    .option(...region)
    .option(...json)
    .action((id: string, options: Options, command: Command) => update(session, id, options, command));
  project
    .command("delete")
    .description("delete a project and its keys; its allocations end within a second")
    .argument("<id>", "project_…")
    .option(...json)
    .action((id: string, options: Options, command: Command) => remove(session, id, options, command));
}

/**
 * The project, or a failure that says where to find the others.
 *
 * @throws {Failure} if there is none
 */
export async function projectOf(store: Store, id: string): Promise<Project> {
  const project = await store.project(id);
  if (!project) throw noProject(id);
  return project;
}

/** What every command says of a project that is not there. */
export function noProject(id: string): Failure {
  return new Failure(`There is no project "${id}": "icebreaker project list" shows all`);
}

async function create(session: Session, name: string, options: Options, command: Command): Promise<void> {
  checkName(name);
  await session.withStore(command, async (store, { settings }) => {
    const known = await knownRegions(store, settings, session.world.clock);
    const project = await store.createProject({ name, regions: checkRegions(options.region ?? [], known) });
    session.print({ json: shape(project, known), table: table([project]) }, options);
  });
}

async function list(session: Session, options: Options, command: Command): Promise<void> {
  await session.withStore(command, async (store, { settings }) => {
    const known = await knownRegions(store, settings, session.world.clock);
    const projects = await store.projects();
    session.print({ json: projects.map((project) => shape(project, known)), table: table(projects) }, options);
  });
}

async function show(session: Session, id: string, options: Options, command: Command): Promise<void> {
  await session.withStore(command, async (store, { settings }) => {
    const project = await projectOf(store, id);
    session.print(
      { json: shape(project, await knownRegions(store, settings, session.world.clock)), table: table([project]) },
      options,
    );
  });
}

async function update(session: Session, id: string, options: Options, command: Command): Promise<void> {
  const { name, region } = options;
  if (name === undefined && region === undefined) throw new UsageError("Nothing to change: give --name, --region or both");
  if (name !== undefined) checkName(name);
  await session.withStore(command, async (store, { settings }) => {
    const known = await knownRegions(store, settings, session.world.clock);
    const regions = region && checkRegions(region, known);
    const project = await store.updateProject(id, { ...(name === undefined ? {} : { name }), ...(regions ? { regions } : {}) });
    if (!project) throw noProject(id);
    session.print({ json: shape(project, known), table: table([project]) }, options);
  });
}

async function remove(session: Session, id: string, options: Options, command: Command): Promise<void> {
  await session.withStore(command, async (store) => {
    if (!(await store.deleteProject(id))) throw noProject(id);
    session.print({ json: { id, deleted: true }, table: `${id} is deleted` }, options);
  });
}

/** A project that is enabled everywhere lists every region there is now; more may come. */
function shape({ id, name, regions }: Project, known: readonly string[]) {
  return { id, name, regions: regions.length === 0 ? known : regions };
}

function table(projects: readonly Project[]): Table {
  const rows = projects.map(({ id, name, regions }) => [id, name, regions.length === 0 ? "every region" : regions.join(", ")]);
  return { columns: ["id", "name", "regions"], rows };
}

function checkName(name: string): void {
  if (name.trim() === "") throw new UsageError("A project needs a name that is not empty");
}

function collect(slug: string, before: readonly string[] = []): readonly string[] {
  return [...before, slug];
}
