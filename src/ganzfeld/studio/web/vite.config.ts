import { readFileSync } from "node:fs";
import react from "@vitejs/plugin-react";
import { defineConfig, type Plugin } from "vite";

// `npm run dev` shows a running show: GANZFELD=http://127.0.0.1:8421 npm run dev
const studio = process.env.GANZFELD ?? "http://127.0.0.1:8420";

/** The font's licence travels with the font. */
function fontLicence(): Plugin {
  return {
    name: "font-licence",
    generateBundle() {
      const source = readFileSync("node_modules/@fontsource-variable/jetbrains-mono/LICENSE", "utf8");
      this.emitFile({ type: "asset", fileName: "licences/JetBrains-Mono.txt", source });
    },
  };
}

export default defineConfig({
  plugins: [react(), fontLicence()],
  // The server puts a fresh nonce here in each answer (page.py).
  html: { cspNonce: "GANZFELD-NONCE" },
  build: {
    outDir: "../page",
    emptyOutDir: true,
    assetsInlineLimit: 0, // the page's policy takes fonts and scripts from files only
    chunkSizeWarningLimit: 1000, // in kB; all of it comes from this machine
    rolldownOptions: { input: ["index.html", "output.html"] },
    license: { fileName: "licences/licences.md" },
  },
  worker: { format: "es" },
  server: {
    proxy: {
      "/live": { target: studio, ws: true, changeOrigin: true, rewriteWsOrigin: true },
      "/output/live": { target: studio, ws: true, changeOrigin: true, rewriteWsOrigin: true },
      "/frame.jpg": { target: studio, changeOrigin: true },
      "/frame.png": { target: studio, changeOrigin: true },
    },
  },
});
