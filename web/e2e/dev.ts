// For whoever works on the page: a server, and the page as it is being written.

import { createServer } from "vite";
import { fileURLToPath } from "node:url";
import { HubbubServer } from "./server.ts";

const PORT = 7490;

const server = await HubbubServer.start();
const vite = await createServer({
  root: fileURLToPath(new URL("../page", import.meta.url)),
  server: {
    host: "127.0.0.1",
    port: PORT,
    strictPort: true,
    // The server takes sockets from its own page only.
    proxy: { "/ws": { target: server.url, ws: true, changeOrigin: true, rewriteWsOrigin: true } },
  },
});
await vite.listen();
console.log(`The page as it is being written: http://127.0.0.1:${PORT}/   as it was built: ${server.url}`);
for (const user of [1, 2, 3]) console.log(`A token for user ${user}: ${server.token(user)}`);
process.once("SIGINT", () => {
  void Promise.all([vite.close(), server.stop()]).then(() => process.exit());
});
