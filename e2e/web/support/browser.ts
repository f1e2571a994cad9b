/** The system's Chromium, driven for tests. Where there is none, tests of the web app say so and are skipped. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { chromium, type Browser, type BrowserContext, type Page } from "playwright-core";

const places = [
  process.env["SOTTO_TEST_CHROMIUM"],
  "/usr/bin/chromium",
  "/usr/bin/chromium-browser",
  "/usr/bin/google-chrome",
  "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
];

/** Where Chromium is, if it is. */
const chromiumPath = places.find((path) => path !== undefined && existsSync(path));

/** Why tests in a browser are skipped; CI never skips them. */
export const noChromium = chromiumPath === undefined && process.env["CI"] === undefined;
if (noChromium) {
  console.warn(
    "No Chromium was found, so the tests of the web app are skipped. Install it (apt install chromium), or name it in SOTTO_TEST_CHROMIUM.",
  );
}

const executablePath = chromiumPath ?? "/usr/bin/chromium";
/** What Playwright switches off; the switch for it counts once only. */
const playwrightsOwn = [
  "AvoidCorsURLLoaderRestartOnRedirect",
  "AvoidUnnecessaryBeforeUnloadCheckSync",
  "DestroyProfileOnBrowserClose",
  "HttpsFirstBalancedModeAutoEnable",
  "HttpsUpgrades",
  "MediaRouter",
  "NetworkTimeServiceQuerying",
  "OptimizationHints",
  "PaintHolding",
  "PreconnectToSearch",
  "ThirdPartyStoragePartitioning",
];
/** Pages behind an address bar that nobody sees, and a process kept ready: each new window pays for them, more than for the app. */
const unseen = [
  "AimEnabled",
  "LensOverlay",
  "SpareRendererForSitePerProcess",
  "WebUIOmniboxAimPopup",
  "WebUIOmniboxFullPopup",
  "WebUIOmniboxPopup",
];

const args = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  `--disable-features=${[...playwrightsOwn, ...unseen].join(",")}`,
];

/** Starts Chromium, headless, with nothing of its own on the network. @param more of its switches. */
export function startChromium(more: readonly string[] = []): Promise<Browser> {
  return chromium.launch({ executablePath, args: [...args, ...more] });
}

/** Chromium on a profile that outlives it. */
export interface ProfileBrowser {
  readonly context: BrowserContext;
  /** SIGKILL to all of it. */
  kill(): void;
  readonly gone: Promise<void>;
}

/** Starts Chromium on a profile's folder. */
export async function startProfile(folder: string): Promise<ProfileBrowser> {
  const context = await chromium.launchPersistentContext(folder, {
    executablePath,
    args,
    viewport: { width: 1100, height: 760 },
  });
  const gone = new Promise<void>((resolve) => context.once("close", () => resolve()));
  return {
    context,
    kill() {
      for (const pid of processesOf(folder)) process.kill(pid, "SIGKILL");
    },
    gone,
  };
}

/** Chromium with a window to look at. @throws Error where there is no screen. */
export function startWindow(
  folder: string,
  size: { width: number; height: number },
): Promise<BrowserContext> {
  return chromium.launchPersistentContext(folder, {
    executablePath,
    args: [...args, `--window-size=${size.width},${size.height}`],
    headless: false,
    viewport: null,
  });
}

/** Chromium that is looked into now and then, and left alone in between: what it is looked into with keeps what pages send and fetch. */
export interface BareBrowser {
  /** Looks into it. The connection ends with close(), the browser goes on. */
  connect(): Promise<Browser>;
  /** Memory of all of its pages and workers that is theirs alone, in bytes. */
  pageBytes(): number;
  stop(): Promise<void>;
}

/** Starts it on a profile's folder. */
export async function startBare(folder: string): Promise<BareBrowser> {
  const own = ["--headless=new", "--remote-debugging-port=0", `--user-data-dir=${folder}`, "about:blank"];
  const child = spawn(executablePath, [...args, ...own], { stdio: "ignore" });
  const gone = once(child, "exit");
  const place = join(folder, "DevToolsActivePort");
  while (!existsSync(place) || !readFileSync(place, "utf8").includes("\n")) {
    if (child.exitCode !== null) throw new Error("Chromium did not start");
    await new Promise((later) => setTimeout(later, 50));
  }
  const [port = ""] = readFileSync(place, "utf8").split("\n");
  return {
    connect: () => chromium.connectOverCDP(`http://127.0.0.1:${port}`),
    pageBytes: () =>
      descendantsOf(child.pid ?? 0)
        .filter((pid) => readProcess(pid, "cmdline").includes("--type=renderer"))
        .map((pid) => Number(/RssAnon:\s+(\d+) kB/.exec(readProcess(pid, "status"))?.[1] ?? 0) * 1_024)
        .reduce((a, b) => a + b, 0),
    async stop() {
      child.kill("SIGTERM");
      await gone;
    },
  };
}

function descendantsOf(pid: number): number[] {
  const isChild = (other: number): boolean =>
    Number(/PPid:\s+(\d+)/.exec(readProcess(other, "status"))?.[1]) === pid;
  const children = readdirSync("/proc").map(Number).filter(isChild);
  return children.flatMap((child) => [child, ...descendantsOf(child)]);
}

/** Empty once the process is gone. */
function readProcess(pid: number, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, "utf8");
  } catch {
    return "";
  }
}

/** The processes that were started with that profile. */
function processesOf(folder: string): number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, "utf8").includes(folder);
      } catch {
        return false;
      }
    })
    .map(Number);
}

/** Fails a test by what a page complained of. Returns what was complained of so far. */
export function complaintsOf(page: Page): readonly string[] {
  const complaints: string[] = [];
  page.on("pageerror", (error) => complaints.push(String(error)));
  page.on("console", (message) => {
    if (message.type() === "error") complaints.push(message.text());
  });
  return complaints;
}
