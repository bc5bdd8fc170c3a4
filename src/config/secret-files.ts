import { isAbsolute, join } from "node:path";
import type { Complaint } from "./complain.ts";
import type { Environment } from "./environment.ts";
import { type Files, whyUnreadable } from "./files.ts";
import { KEYS } from "./keys.ts";
import { placeOf, type Written } from "./source.ts";

/**
 * Puts the secrets in the place of the files that hold them: `auth.jwt.secret_file` becomes `auth.jwt.secret`.
 *
 * A bare name is looked for under `$CREDENTIALS_DIRECTORY` first, where systemd puts what `LoadCredential=` names.
 * One line end at the end of the file does not belong to the secret.
 *
 * @param written what one source says; changed in place
 */
export function* takeSecretFiles(
  written: Map<string, Written>,
  { env, cwd, files }: { env: Environment; cwd: string; files: Files },
): Generator<Complaint> {
  for (const { name, secret } of KEYS) {
    const key = `${name}_file`;
    const named = secret ? written.get(key) : undefined;
    if (named === undefined) continue;
    written.delete(key);
    const at = placeOf(named.source);
    const where = at === undefined ? {} : { at };
    if (typeof named.value !== "string" || named.value === "") {
      yield { key, problem: "is not the path of a file", ...where };
    } else if (written.has(name)) {
      yield { key, problem: `and ${name} are both set`, remedy: "keep one of the two", ...where };
    } else {
      const path = locate(named.value, { env, cwd, files });
      try {
        const value = files.read(path).replace(/\r?\n$/, "");
        written.set(name, {
          value,
          source: named.source.kind === "default" ? named.source : { ...named.source, secretFile: path },
        });
      } catch (error) {
        yield { key, problem: `names ${path}, which ${whyUnreadable(files, path, error)}`, ...where };
      }
    }
  }
}

function locate(path: string, { env, cwd, files }: { env: Environment; cwd: string; files: Files }): string {
  const credentials = env.CREDENTIALS_DIRECTORY;
  if (credentials !== undefined && !path.includes("/") && files.exists(join(credentials, path))) return join(credentials, path);
  return isAbsolute(path) ? path : join(cwd, path);
}
