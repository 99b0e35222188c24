/** A package that need not be installed: every way in which its import can fail is a reason, never a crash. */

/** Not a literal and not to be guessed, so that no bundler looks for the package. */
export function importOptional(specifier: string): Promise<unknown> {
  return import(/* @vite-ignore */ /* webpackIgnore: true */ /* turbopackIgnore: true */ specifier);
}

/** Node says ERR_MODULE_NOT_FOUND; bundlers and Yarn PnP, for a package that nobody declared, MODULE_NOT_FOUND. */
const missing: readonly unknown[] = ["ERR_MODULE_NOT_FOUND", "MODULE_NOT_FOUND"];

/** One line for people. */
export function whyNotImported(specifier: string, cause: unknown): string {
  const { code, message = String(cause) } = (cause ?? {}) as { readonly code?: unknown; readonly message?: string };
  const [line = ""] = message.split("\n");
  const named = message.includes(`'${specifier}'`) || message.includes(`access ${specifier}`);
  if (missing.includes(code) && named) return `${specifier} is not installed`;
  return `${specifier} cannot be loaded: ${line}`;
}
