/**
 * A process that writes to a store until it is killed: 8 writers, each of which appends a line
 * `<revision> <writer> <count>` to the acknowledgements once the store has said yes. Compacts now and then.
 * Arguments: the store's path, the path of the acknowledgements.
 */
import { openSync, writeSync } from "node:fs";
import { openEmbeddedStore } from "../../src/store/embedded.ts";

const [path, acknowledgements] = process.argv.slice(2);
if (path === undefined || acknowledgements === undefined)
  throw new Error("usage: store-writer.ts STORE ACKNOWLEDGEMENTS");

const store = await openEmbeddedStore({ path });
const out = openSync(acknowledgements, "a");

for (let writer = 0; writer < 8; writer++) {
  const key = `writer/${writer}`;
  void (async () => {
    for (let count = Number(store.get(key)?.value ?? 0) + 1; ; count++) {
      const { revision } = await store.txn(
        [],
        [
          { kind: "put", key, value: String(count) },
          { kind: "put", key: `trail/${writer}/${count % 50}`, value: `${count} `.repeat(40) },
        ],
      );
      writeSync(out, `${revision} ${writer} ${count}\n`);
      if (revision % 500 === 0) await store.compact(revision - 200);
    }
  })();
}
