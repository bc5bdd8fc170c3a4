import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Settings } from "../config/schema.ts";
import type { CertificateFiles } from "../edge/certificate-files.ts";
import { type CertificateFacts, type CertificatePair, Certificates } from "../edge/certificates.ts";
import { systemFiles, whyUnreadable } from "../config/files.ts";
import { readIfThere, StartFailure, writeSecret } from "./state-directory.ts";

/** The certificate to begin with. */
export interface StartCertificate {
  readonly pair: CertificatePair;
  readonly facts: CertificateFacts;
  readonly warnings: readonly string[];
  /** The files to watch; absent for a self-signed one of ours. */
  readonly files?: CertificateFiles;
}

const NOT_TRUSTED = "The certificate is self-signed: browsers will not use the turns: URL until [tls] is set";

/**
 * The certificate of `[tls]`, else a self-signed one that the state directory keeps.
 *
 * @throws {StartFailure} if the files cannot be used, naming the setting, and the file's owner and mode
 */
export async function startCertificate(settings: Settings, hostname: string, nowUnixMs: number): Promise<StartCertificate> {
  const { state_dir } = settings;
  const judge = new Certificates(hostname);
  const files = certificateFiles(settings);
  if (files === undefined) {
    const pair = await ourOwn(state_dir, hostname, nowUnixMs);
    const loaded = judge.load(pair, nowUnixMs);
    if (loaded.kind === "refused")
      throw new StartFailure(`The self-signed certificate in ${state_dir} is broken: ${loaded.complaint}`);
    return { pair, facts: loaded.facts, warnings: [NOT_TRUSTED] };
  }
  const pair = await read(files);
  const loaded = judge.load(pair, nowUnixMs);
  if (loaded.kind === "refused") throw new StartFailure(`tls.certificate: ${files.certificate}: ${loaded.complaint}`);
  const warnings = loaded.warnings.map((warning) => `tls.certificate: ${files.certificate}: ${warning}`);
  return { pair, facts: loaded.facts, warnings, files };
}

/** Where `[tls]` says that the certificate lies; `undefined` where it does not. */
export function certificateFiles({ tls: { certificate, key } }: Settings): CertificateFiles | undefined {
  return certificate === undefined || key === undefined ? undefined : { certificate, key };
}

/** Each file on its own, so that the complaint names the one that cannot be read. */
async function read(files: CertificateFiles): Promise<CertificatePair> {
  return { certificate: await readOne(files, "certificate"), key: await readOne(files, "key") };
}

async function readOne(files: CertificateFiles, which: keyof CertificateFiles): Promise<string> {
  const path = files[which];
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    throw new StartFailure(`tls.${which}: ${path} ${whyUnreadable(systemFiles, path, error)}`);
  }
}

/** The one of an earlier start, while it lasts and names us; else a new one. */
async function ourOwn(stateDirectory: string, hostname: string, nowUnixMs: number): Promise<CertificatePair> {
  const paths = { certificate: join(stateDirectory, "self-signed.pem"), key: join(stateDirectory, "self-signed.key") };
  const [certificate, key] = [await readIfThere(paths.certificate), await readIfThere(paths.key)];
  if (certificate !== undefined && key !== undefined) {
    const loaded = new Certificates(hostname).load({ certificate, key }, nowUnixMs);
    if (loaded.kind === "taken" && loaded.warnings.length === 0) return { certificate, key };
  }
  const pair = Certificates.selfSigned([hostname], nowUnixMs);
  await writeSecret(paths.key, pair.key);
  await writeSecret(paths.certificate, pair.certificate);
  return pair;
}
