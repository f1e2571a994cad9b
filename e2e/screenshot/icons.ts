/**
 * The app's icons as pictures, for systems that take no SVG: drawn from apps/web/public/icon.svg by Chromium. Run it by `npm run icons`
 * when that changes. A maskable icon fills its square, and keeps what matters in the middle (W3C App Manifest: 40 % around the centre).
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { startChromium } from "../web/support/browser.ts";

const folder = resolve(import.meta.dirname, "../../apps/web/public");
const round = readFileSync(join(folder, "icon.svg"), "utf8");
const [start, background, rest] = /^(<svg[^>]*>)(<rect[^>]*>)(.*)<\/svg>\s*$/s.exec(round)?.slice(1) ?? [];
if (start === undefined || background === undefined || rest === undefined)
  throw new Error("icon.svg is not as it was");
const square = background.replace(/ rx="\d+"/, "");
const maskable = `${start}${square}<g transform="translate(3.2 3.2) scale(0.9)">${rest}</g></svg>`;
const icons = [
  { file: "icon-192.png", svg: round, size: 192 },
  { file: "icon-512.png", svg: round, size: 512 },
  { file: "icon-maskable-512.png", svg: maskable, size: 512 },
  { file: "icon-180.png", svg: `${start}${square}${rest}</svg>`, size: 180 },
];

const browser = await startChromium();
try {
  for (const { file, svg, size } of icons) {
    const page = await browser.newPage({ viewport: { width: size, height: size } });
    await page.setContent(
      `<style>body{margin:0}svg{display:block;width:${size}px;height:${size}px}</style>${svg}`,
    );
    writeFileSync(join(folder, file), await page.screenshot({ omitBackground: true }));
    await page.close();
  }
} finally {
  await browser.close();
}
