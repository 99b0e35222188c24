/** Imports for Node alone: the name is a parameter, and marked, so that no bundler for browsers looks for the module. */
export function importHidden<Module>(specifier: string): Promise<Module> {
  return import(/* @vite-ignore */ /* webpackIgnore: true */ /* turbopackIgnore: true */ specifier) as Promise<Module>;
}
