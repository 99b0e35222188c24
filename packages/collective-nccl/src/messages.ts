/** JSON values over a socket, one a line. */
import type { Socket } from "node:net";

/** What a peer may say in one line, in characters. */
const longest = 1 << 16;

/** What ranks tell each other beside data. */
export type Message =
  | { readonly kind: "hello"; readonly rank: number; readonly world: number; readonly key: string }
  | { readonly kind: "id"; readonly id: string }
  | { readonly kind: "beat" }
  | { readonly kind: "leaves" }
  | { readonly kind: "failed"; readonly reason: string };

export function send(socket: Socket, message: Message): void {
  if (socket.writable) socket.write(`${JSON.stringify(message)}\n`);
}

/** Calls `onMessage` for each; what is no message ends the connection. */
export function receive(socket: Socket, onMessage: (message: Message) => void): void {
  let rest = "";
  socket.setEncoding("utf8");
  socket.on("data", (text: string) => {
    const lines = (rest + text).split("\n");
    rest = lines.pop()!;
    if (rest.length > longest) socket.destroy();
    for (const line of lines) {
      const message = parse(line);
      if (message) onMessage(message);
      else socket.destroy();
    }
  });
  // A close follows, which says as much.
  socket.on("error", () => undefined);
}

function parse(line: string): Message | undefined {
  try {
    const value = JSON.parse(line) as Message | null;
    return typeof value === "object" && typeof value?.kind === "string" ? value : undefined;
  } catch {
    return undefined;
  }
}
