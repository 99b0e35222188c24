import { expect, test } from "vitest";
import { importOptional, whyNotImported } from "../src/optional.ts";

const specifier = "@modernbert-ts/backend-cuda";
const failure = (code: string, message: string): Error => Object.assign(new Error(message), { code });

test.each([
  ["Node", "ERR_MODULE_NOT_FOUND", `Cannot find package '${specifier}' imported from /app/index.js`],
  ["webpack", "MODULE_NOT_FOUND", `Cannot find module '${specifier}'`],
  [
    "Yarn PnP",
    "MODULE_NOT_FOUND",
    `backends tried to access ${specifier}, but it isn't declared\n\nRequired package: x`,
  ],
])("a package that %s does not find is not installed", (_, code, message) => {
  expect(whyNotImported(specifier, failure(code, message))).toBe(`${specifier} is not installed`);
});

test("what the package itself lacks, and whatever else goes wrong, is said in one line", () => {
  const inner = `Cannot find package 'x' imported from /node_modules/${specifier}/dist/index.js`;
  expect(whyNotImported(specifier, failure("ERR_MODULE_NOT_FOUND", inner))).toBe(
    `${specifier} cannot be loaded: ${inner}`,
  );
  expect(whyNotImported(specifier, new SyntaxError("bad\nmore"))).toBe(`${specifier} cannot be loaded: bad`);
  expect(whyNotImported(specifier, "text")).toBe(`${specifier} cannot be loaded: text`);
});

test("a missing package is found missing", async () => {
  const missing = "@modernbert-ts/there-is-none";
  const cause: unknown = await importOptional(missing).catch((error: unknown) => error);
  // The tests' own resolver puts other words around the same code.
  expect(whyNotImported(missing, cause)).toMatch(/is not installed|cannot be loaded/);
});
