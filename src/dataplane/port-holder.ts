import { readdirSync, readFileSync, readlinkSync } from "node:fs";

/** A program that has a port. */
export interface PortHolder {
  readonly name: string;
  readonly pid: number;
}

const TABLES = { udp: ["/proc/net/udp", "/proc/net/udp6"], tcp: ["/proc/net/tcp", "/proc/net/tcp6"] } as const;
const TCP_LISTEN = "0A";
const ADDRESS = 1; // columns of the tables, by spaces
const STATE = 3;
const INODE = 9;

/**
 * Who listens on a port, at any address of this host.
 *
 * @returns `undefined` where the system does not tell: without `/proc`, or about another user's programs
 */
export function portHolder(protocol: "udp" | "tcp", port: number): PortHolder | undefined {
  const sockets = new Set(
    TABLES[protocol].flatMap((table) => inodesAt(table, protocol, port)).map((inode) => `socket:[${inode}]`),
  );
  if (sockets.size === 0) return undefined;
  for (const pid of entries("/proc").filter((name) => /^\d+$/.test(name))) {
    const folder = `/proc/${pid}/fd`;
    if (entries(folder).some((descriptor) => sockets.has(target(`${folder}/${descriptor}`))))
      return { name: text(`/proc/${pid}/comm`).trim(), pid: Number(pid) };
  }
  return undefined;
}

function inodesAt(table: string, protocol: "udp" | "tcp", port: number): readonly string[] {
  const hex = `:${port.toString(16).toUpperCase().padStart(4, "0")}`;
  return text(table)
    .split("\n")
    .map((line) => line.trim().split(/\s+/))
    .filter((row) => row[ADDRESS]?.endsWith(hex) && (protocol === "udp" || row[STATE] === TCP_LISTEN))
    .map((row) => row[INODE] ?? "");
}

/** What may not be seen, or is gone by now, is not there. */
function entries(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function text(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}

function target(link: string): string {
  try {
    return readlinkSync(link);
  } catch {
    return "";
  }
}
