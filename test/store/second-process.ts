import process from "node:process";
import { openStore } from "../../src/store/open-store.ts";

// Makes as many projects as its second argument says, in the state directory of its first.
const [stateDir = "", count = "0"] = process.argv.slice(2);
const store = await openStore("sqlite:icebreaker.db", { stateDir, create: false, busyTimeoutMs: 5000 });
for (let i = 0; i < Number(count); i++) await store.createProject({ name: "theirs", regions: [] });
await store.close();
