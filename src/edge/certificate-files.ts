import { readFile, stat } from "node:fs/promises";
import { clearTimeout, setTimeout } from "node:timers";
import type { CertificatePair } from "./certificates.ts";

/** Where a pair lies. */
export interface CertificateFiles {
  readonly certificate: string;
  readonly key: string;
}

/** Files are looked at this often. */
export const WATCH_INTERVAL_MS = 2_000;

/**
 * Reads a pair from its files.
 *
 * @throws {Error} what the system says (`code` ENOENT, EACCES, …)
 */
export async function readCertificateFiles({ certificate, key }: CertificateFiles): Promise<CertificatePair> {
  const [chain, secret] = await Promise.all([readFile(certificate, "utf8"), readFile(key, "utf8")]);
  return { certificate: chain, key: secret };
}

/**
 * Looks at both files again and again, and hands over what is in them once they have changed and come to rest.
 *
 * By name, not by notification: a renewal may swap a symbolic link several directories above, and no notification tells
 * of that. "At rest" means that two looks found the same, so that a pair half written is not read.
 *
 * What is there at the first look is taken for known: start to watch before reading.
 *
 * @param changed is given the pair, or what the system says against reading it; once for each change
 * @returns stops it
 */
export function watchCertificateFiles(
  files: CertificateFiles,
  changed: (outcome: CertificatePair | Error) => void,
  intervalMs: number = WATCH_INTERVAL_MS,
): () => void {
  let reported: string | undefined;
  let seen: string | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let stopped = false;

  const look = async (): Promise<void> => {
    const now = `${await fingerprint(files.certificate)} ${await fingerprint(files.key)}`;
    reported ??= now;
    const settled = now === seen && now !== reported;
    seen = now;
    if (settled) {
      reported = now;
      const outcome = await readCertificateFiles(files).catch((error: unknown) => asError(error));
      if (!stopped) changed(outcome);
    }
    if (!stopped) schedule();
  };
  const schedule = (): void => {
    timer = setTimeout(() => void look(), intervalMs);
    timer.unref();
  };
  void look();
  return () => {
    stopped = true;
    clearTimeout(timer);
  };
}

/** Differs whenever the content may: links followed, other file, other time, other size. */
async function fingerprint(path: string): Promise<string> {
  try {
    const { dev, ino, mtimeMs, ctimeMs, size } = await stat(path);
    return [dev, ino, mtimeMs, ctimeMs, size].join(":");
  } catch (error) {
    return asError(error).message;
  }
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}
