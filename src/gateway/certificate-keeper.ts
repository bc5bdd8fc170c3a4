import { type CertificateFiles, readCertificateFiles, watchCertificateFiles } from "../edge/certificate-files.ts";
import { type CertificateFacts, type CertificatePair, Certificates } from "../edge/certificates.ts";
import type { Log } from "../observe/log.ts";
import type { StartCertificate } from "./certificate.ts";

/** Keeps the certificate fresh: a good pair in the files is taken, a bad one refused with a warning. */
export class CertificateKeeper {
  readonly #judge: Certificates;
  readonly #log: Log;
  readonly #publish: (pair: CertificatePair) => void;
  #files: CertificateFiles | undefined;
  #stopWatching: () => void = () => {};
  #facts: CertificateFacts;

  /** @param publish told of each new pair that is good */
  constructor(start: StartCertificate, hostname: string, log: Log, publish: (pair: CertificatePair) => void) {
    this.#judge = new Certificates(hostname);
    this.#judge.load(start.pair, Date.now());
    this.#log = log;
    this.#publish = publish;
    this.#files = start.files;
    this.#facts = start.facts;
    this.#watch();
  }

  /** About the pair in force. */
  get facts(): CertificateFacts {
    return this.#facts;
  }

  /** Reads the files now, changed or not; those of new settings from now on, and without any those of before. */
  follow(files: CertificateFiles | undefined): void {
    if (files !== undefined && JSON.stringify(files) !== JSON.stringify(this.#files)) {
      this.#files = files;
      this.#watch();
    }
    if (this.#files === undefined) return;
    readCertificateFiles(this.#files).then(
      (pair) => this.#judgeNew(pair),
      (error: unknown) => this.#judgeNew(error instanceof Error ? error : new Error(String(error))),
    );
  }

  close(): void {
    this.#stopWatching();
  }

  #watch(): void {
    this.#stopWatching();
    if (this.#files !== undefined) this.#stopWatching = watchCertificateFiles(this.#files, (outcome) => this.#judgeNew(outcome));
  }

  #judgeNew(outcome: CertificatePair | Error): void {
    if (outcome instanceof Error) return this.#log.warn({}, `The certificate stays as it was: ${outcome.message}`);
    const loaded = this.#judge.load(outcome, Date.now());
    if (loaded.kind === "refused") return this.#log.warn({}, `The certificate stays as it was: ${loaded.complaint}`);
    for (const warning of loaded.warnings) this.#log.warn({}, warning);
    this.#facts = loaded.facts;
    this.#publish(outcome);
    this.#log.info(
      { names: loaded.facts.subjectAltNames, notAfter: new Date(loaded.facts.notAfterUnixMs).toISOString() },
      "Certificate taken",
    );
  }
}
