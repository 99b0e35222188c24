/** The error of a file that a server did not give. */

export class DownloadError extends Error {
  override readonly name = "DownloadError";
  readonly url: string;
  /** The server's status; undefined where there was no answer, or only a part of one. */
  readonly status: number | undefined;

  constructor(url: string, message: string, options?: ErrorOptions & { readonly status?: number }) {
    super(`[download] ${message}`, options);
    this.url = url;
    this.status = options?.status;
  }
}
