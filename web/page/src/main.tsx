// The page begins.

import { render } from "preact";
import { App } from "./app.ts";
import { Page } from "./views/page.tsx";
import "./style/page.css";

const root = document.getElementById("page");
if (!root) throw new Error("the page has no place");
const app: App = new App(() => render(<Page app={app} />, root));
app.start();
