import { BatchPlane } from "../../../src/dataplane/batch/plane.ts";
import { openLibc } from "../../../src/dataplane/libc.ts";
import { openRuntime } from "../../../src/runtime/runtime.ts";
import { dataplaneSuite } from "../../suites/dataplane.ts";

const libc = openLibc(await openRuntime());

dataplaneSuite(
  "batch",
  libc,
  (listeners, handler) => {
    const plane = new BatchPlane(libc, { listeners }, handler);
    return { plane, step: () => void plane.turn(0), close: () => plane.close() };
  },
  { errors: true, localAddresses: true, releases: true },
);
