/** What the tests of backups and moves share: a PostgreSQL of the file's own, and what an error looks like. */
import { afterAll, beforeAll, expect } from "vitest";
import { TestPostgres } from "@sotto/testkit/postgres";
import { removeTemplate } from "./filled-folder.ts";

/** Starts it before the file's tests, and ends it after them with the folder that theirs are copied from. */
export function filePostgres(): Pick<TestPostgres, "createDatabase"> {
  let postgres: TestPostgres;
  beforeAll(async () => {
    postgres = await TestPostgres.start();
  }, 60_000);
  afterAll(async () => {
    await postgres?.stop();
    await removeTemplate();
  });
  return { createDatabase: () => postgres.createDatabase() };
}

/** Matches an error by its code. */
export const code = (wanted: string): { code: string } =>
  expect.objectContaining({ code: wanted }) as { code: string };
