import "@fontsource-variable/jetbrains-mono/wght.css";
import "@fontsource-variable/jetbrains-mono/wght-italic.css";
import "./studio.css";
import "./hud/header.css";
import "./text/text.css";
import "./text/writing.css";
import "./text/tooltips.css";
import "./hud/footer.css";
import "./strips/strips.css";
import "./hud/permission.css";
import { createRoot } from "react-dom/client";
import { App } from "./App";
import { remember } from "./modes/modes";
import { claimWriter } from "./text/editing";
import { openEditor } from "./text/PatchText";

remember();
const root = document.getElementById("studio");
claimWriter().then(() => {
  openEditor();
  if (root) createRoot(root).render(<App />);
});
