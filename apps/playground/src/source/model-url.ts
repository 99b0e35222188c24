/** What people type as a model's address. */

const hubPage = /^https:\/\/huggingface\.co\/[^/]+\/[^/]+$/;

/** The folder's absolute address without a slash at the end; the page of a model on the hub stands for its files. */
export function modelUrl(text: string, base: string): string {
  let url: URL;
  try {
    url = new URL(text.trim(), base);
  } catch {
    throw new Error(`[playground] expected the address of a model folder, got "${text}": begin with https://`);
  }
  const folder = `${url.origin}${url.pathname}`.replace(/\/(config\.json)?$/, "");
  return hubPage.test(folder) ? `${folder}/resolve/main` : folder;
}
