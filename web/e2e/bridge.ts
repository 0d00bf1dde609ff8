// For development only: the page and a WebSocket in front of a server that has neither. On this machine only.
//
// Promises: a WebSocket message is one frame, both ways; the length that TCP needs is put before it and taken off here.
// Serves the built page with the headers that the server itself must send (see README.md).

import { readFile } from "node:fs/promises";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { connect } from "node:net";
import { extname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { prefixed, SUBPROTOCOL, Unframer } from "hubbub-client";
import { type WebSocket, WebSocketServer } from "ws";

const DIST = fileURLToPath(new URL("../dist", import.meta.url));
const FRAME_BYTES_MAX = 1024 * 1024;
const CONNECTIONS_MAX = 100;

/** What the page may do: nothing but its own files and its own server. */
export const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
].join("; ");

const TYPES: Record<string, string> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".svg": "image/svg+xml",
};

async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { pathname } = new URL(request.url ?? "/", "http://bridge");
  const path = pathname === "/" ? "/index.html" : pathname;
  const isAsset = /^\/assets\/[\w.-]+$/.test(path);
  if (request.method !== "GET" || (!isAsset && path !== "/index.html")) {
    response.writeHead(404).end();
    return;
  }
  const body = await readFile(join(DIST, path)).catch(() => undefined);
  if (!body) {
    response.writeHead(404).end();
    return;
  }
  response.writeHead(200, {
    "Content-Type": TYPES[extname(path)] ?? "application/octet-stream",
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": isAsset ? "public, max-age=31536000, immutable" : "no-cache",
  });
  response.end(body);
}

/** Carries the frames of one WebSocket over a TCP connection of its own. */
function carry(socket: WebSocket, port: number): void {
  const tcp = connect(port, "127.0.0.1");
  const unframer = new Unframer(FRAME_BYTES_MAX);
  tcp.setNoDelay();
  tcp.on("data", (bytes) => {
    try {
      for (const frame of unframer.push(bytes)) socket.send(frame);
    } catch {
      tcp.destroy();
    }
  });
  tcp.on("close", () => socket.close());
  tcp.on("error", () => socket.close());
  socket.on("message", (data, isBinary) => {
    if (isBinary && data instanceof Buffer && data.length > 0) tcp.write(prefixed(data));
    else socket.close(1003);
  });
  socket.on("close", () => tcp.end());
  socket.on("error", () => tcp.destroy());
}

/** Listens on a port of its own choice (`listenPort` 0) in front of the server at `serverPort`. */
export async function startBridge(serverPort: number, listenPort = 0): Promise<{ url: string; stop: () => void }> {
  const server: Server = createServer((request, response) => void serve(request, response));
  const sockets = new WebSocketServer({
    server,
    path: "/ws",
    maxPayload: FRAME_BYTES_MAX,
    handleProtocols: (offered) => (offered.has(SUBPROTOCOL) ? SUBPROTOCOL : false),
    verifyClient: ({ req, origin }: { req: IncomingMessage; origin: string }) =>
      sockets.clients.size < CONNECTIONS_MAX && origin === `http://${req.headers.host}`,
  });
  sockets.on("connection", (socket) => carry(socket, serverPort));
  await new Promise<void>((resolve) => server.listen(listenPort, "127.0.0.1", resolve));
  const address = server.address();
  if (typeof address !== "object" || !address) throw new Error("the bridge has no address");
  const stop = (): void => {
    for (const client of sockets.clients) client.terminate();
    server.close();
  };
  return { url: `http://127.0.0.1:${address.port}/`, stop };
}
