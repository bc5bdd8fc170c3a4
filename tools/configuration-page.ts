import { writeFileSync } from "node:fs";
import { configurationPage } from "../src/config/page.ts";

/** Writes the reference page of the configuration from its schema. */
writeFileSync(new URL("../docs/configuration.md", import.meta.url), configurationPage());
