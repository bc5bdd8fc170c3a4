import { existsSync, readFileSync, readlinkSync } from "node:fs";
import { type Libc, MADV_DONTNEED } from "./libc.ts";

/** A stretch of the address space. */
export interface Stretch {
  readonly address: number;
  readonly bytes: number;
}

const HEAD = /^([0-9a-f]+)-([0-9a-f]+) r-.p \S+ \S+ \S+ +(.*)$/;

/**
 * Gives back the pages of our own program that nobody has written to, nor can: a start reads far more of it than what
 * follows. A page that is wanted again comes from the page cache. Nothing happens where the system does not show them.
 */
export function giveBackCleanPages(libc: Pick<Libc, "madvise">): void {
  const [smaps, program] = ["/proc/self/smaps", "/proc/self/exe"];
  if (!existsSync(smaps)) return;
  for (const { address, bytes } of cleanStretches(readFileSync(smaps, "utf8"), readlinkSync(program)))
    libc.madvise(address, bytes, MADV_DONTNEED);
}

/**
 * Where a file is mapped, privately and not writable, without one page of its own. A page that was written before the
 * mapping became read-only (a relocation, a breakpoint) is such a page, and would be lost.
 *
 * @param smaps the text of `/proc/self/smaps`
 * @param program the path of the file
 */
export function cleanStretches(smaps: string, program: string): readonly Stretch[] {
  const found: Stretch[] = [];
  let head: Stretch | undefined;
  for (const line of smaps.split("\n")) {
    if (/^[0-9a-f]+-/.test(line)) {
      const [, first = "", end = "", path] = HEAD.exec(line) ?? [];
      const address = Number.parseInt(first, 16);
      head = path === program ? { address, bytes: Number.parseInt(end, 16) - address } : undefined;
    } else if (head !== undefined && /^Anonymous: +0 kB$/.test(line)) {
      found.push(head);
    }
  }
  return found;
}
