/** Loaded before the program (node --import): ends the process by SIGKILL at the n-th call of a function of node:fs, as KILL_AT says. */
import fs from "node:fs";
import { open } from "node:fs/promises";

const [name, number, when, path] = process.env.KILL_AT.split(" ");
const handle = await open(import.meta.filename);
await handle.close();
const owner = name.endsWith("Sync") ? fs : Object.getPrototypeOf(handle);
const original = owner[name];
let calls = 0;
owner[name] = function (...args) {
  if (path && !new RegExp(path).test(args.at(name === "renameSync" ? 1 : 0))) return original.apply(this, args);
  if (++calls < Number(number)) return original.apply(this, args);
  // Of a line or a block, the first half.
  if (when === "amid") original(args[0], args[1], args[2], args[3] >> 1, args[4]);
  if (when === "after") original.apply(this, args);
  return process.kill(process.pid, "SIGKILL");
};
