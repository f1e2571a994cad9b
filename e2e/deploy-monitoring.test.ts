/** The dashboard, the alerts and what operators read about them: all name metrics that there are, and promtool takes them. */
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Registry } from "prom-client";
import { describe, expect, test } from "vitest";
import { createMetrics } from "../packages/server/src/metrics.ts";
import { readDocument, root } from "./documents.ts";
import { knownMetrics } from "./support/metrics.ts";

interface Panel {
  readonly type: string;
  readonly title: string;
  readonly targets?: readonly { readonly expr: string }[];
}
interface Dashboard {
  readonly panels: readonly Panel[];
  readonly annotations: { readonly list: readonly { readonly expr: string }[] };
}

const prometheus = join(root, "deploy/prometheus");
const alerts = readDocument("deploy/prometheus/alerts.yml");
const alertNames = Array.from(alerts.matchAll(/^ +- alert: (\w+)$/gm), ([, name = ""]) => name);
const dashboard = JSON.parse(readDocument("deploy/grafana/sotto.json")) as Dashboard;
const shown = dashboard.panels.filter(({ type }) => type !== "row");
const queries = [...shown.flatMap(({ targets = [] }) => targets), ...dashboard.annotations.list].map(
  ({ expr }) => expr,
);
/** Series of histograms carry an ending. */
const ending = /_(?:bucket|sum|count)$/;
const labelsOfPrometheus = ["job", "instance", "le"];

/** What the text names that the server does not have: metrics, and labels of metrics. */
function unknownIn(text: string): string[] {
  const unknown: string[] = [];
  for (const [, name = "", matchers = ""] of text.matchAll(
    /\b((?:sotto|nodejs|process)_\w+)(?:\{([^}]*)\})?/g,
  )) {
    const plain = knownMetrics.get(name);
    const histogram = knownMetrics.get(name.replace(ending, ""));
    const metric = plain ?? (histogram?.type === "histogram" ? histogram : undefined);
    if (metric === undefined) unknown.push(name);
    const labels = new Set([...(metric?.labelNames ?? []), ...labelsOfPrometheus]);
    for (const [, label = ""] of matchers.matchAll(/(\w+)[=!]/g)) {
      if (!labels.has(label)) unknown.push(`${name}{${label}}`);
    }
  }
  return unknown;
}

test("the dashboard and the alerts name metrics and labels that the server has", () => {
  expect(shown.length).toBeGreaterThan(20);
  expect(shown.filter(({ targets = [] }) => targets.length === 0)).toEqual([]);
  expect(queries.flatMap((query) => unknownIn(query))).toEqual([]);
  expect(unknownIn(alerts)).toEqual([]);
  expect(
    unknownIn('rate(sotto_nothing_total[5m]) + sotto_ready{colour="red"} + sotto_acks_total_bucket'),
  ).toEqual(["sotto_nothing_total", "sotto_ready{colour}", "sotto_acks_total_bucket"]);
});

test("whatever an alert waits to see grow is there, at 0, before it first happens", async () => {
  const registry = new Registry();
  createMetrics(registry, ["smtp"]);
  const printed = (await registry.metrics()).split("\n");
  const watched = Array.from(alerts.matchAll(/increase\((sotto_\w+)\{([^}]*)\}/g));
  expect(watched.length).toBeGreaterThan(5);
  const missing = watched.filter(([, name, matchers = ""]) => {
    const labels = Array.from(matchers.matchAll(/\w+="[^"]*"/g), ([label]) => label);
    return !printed.some(
      (line) => line.startsWith(`${name}{`) && labels.every((label) => line.includes(label)),
    );
  });
  expect(missing.map(([text]) => text)).toEqual([]);
});

test("docs/operations.md says of every alert what to do, and of no other", () => {
  const section =
    readDocument("docs/operations.md")
      .split(/^## When an alert fires$/m)[1]
      ?.split(/^## /m)[0] ?? "";
  const headings = Array.from(section.matchAll(/^### (\w+)$/gm), ([, name = ""]) => name);
  expect(headings).toEqual(alertNames);
  const bodies = section.split(/^### \w+$/m).slice(1);
  expect(bodies.filter((body) => body.trim().length < 80)).toEqual([]);
});

const promtool = (...args: readonly string[]): string =>
  execFileSync("promtool", args, { cwd: prometheus, encoding: "utf8", stdio: "pipe" });

describe("promtool", () => {
  const hasPromtool = spawnSync("promtool", ["--version"]).status === 0;

  test("takes the rules; each alert fires when it should, and not before", ({ skip }) => {
    if (!hasPromtool) {
      if (process.env["CI"])
        throw new Error("in CI this test needs promtool, which Debian's prometheus brings");
      skip("promtool is not installed (Debian: prometheus), so the alerts were not tried");
    }
    expect(promtool("check", "rules", "alerts.yml")).toContain(`SUCCESS: ${alertNames.length} rules found`);
    expect(promtool("test", "rules", "alerts.test.yml")).toContain("SUCCESS");
    const tried = Array.from(
      readDocument("deploy/prometheus/alerts.test.yml").matchAll(/^ +- name: (Sotto\w+)$/gm),
      ([, name = ""]) => name,
    );
    expect(tried).toEqual(alertNames);
  });

  test("takes every query of the dashboard", ({ skip }) => {
    if (!hasPromtool) skip("promtool is not installed (Debian: prometheus), so the queries were not read");
    const folder = mkdtempSync(join(tmpdir(), "sotto-dashboard-"));
    try {
      const rules = queries.map((query, i) => ({
        record: `query:${i}`,
        expr: query.replaceAll("$__rate_interval", "5m"),
      }));
      const file = join(folder, "rules.json");
      writeFileSync(file, JSON.stringify({ groups: [{ name: "dashboard", rules }] }));
      expect(promtool("check", "rules", file)).toContain(`SUCCESS: ${queries.length} rules found`);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
