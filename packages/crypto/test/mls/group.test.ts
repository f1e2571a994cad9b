/** Groups that grow, talk, change and shrink, on both providers and ciphersuites, mixed. */
import { describe, expect, it } from "vitest";
import { utf8 } from "@sotto/protocol";
import { addAll, ciphersuites, device, follow, mlsProviders, newGroup } from "../support/mls.ts";

const [node, web] = mlsProviders;

describe.each(ciphersuites)("a group with %s", (suite) => {
  it("is made, joined, talked in, changed and left", async () => {
    const [ann, bob, cyd] = await Promise.all([device(node!, 1), device(web!, 2), device(node!, 3)]);
    let [a, b, c] = (await addAll(ann!, await newGroup(ann!, suite), [bob!, cyd!])).groups;
    expect(a!.members.map(({ leafIndex }) => leafIndex)).toEqual([0, 1, 2]);
    expect(b!.members).toEqual(a!.members);
    expect(c!.groupData).toEqual(new Uint8Array([1]));

    const sent = await bob!.engine.protect(b!, utf8("hello"));
    const heard = await ann!.engine.unprotect(a!, sent.message);
    expect(heard).toMatchObject({ type: "application", plaintext: utf8("hello"), sender: { leafIndex: 1 } });
    if (heard.type === "application") a = heard.group;
    b = sent.group;

    const renamed = await bob!.engine.commit(b!, { groupData: new Uint8Array([2]) });
    a = await follow(ann!, a!, renamed.commit);
    c = await follow(cyd!, c!, renamed.commit);
    b = renamed.next;
    expect(c.groupData).toEqual(new Uint8Array([2]));
    const secrets = await Promise.all(
      [a, b, c].map((group, i) => [ann!, bob!, cyd!][i]!.engine.exportSecret(group!, "test", utf8("x"), 32)),
    );
    expect(secrets[1]).toEqual(secrets[0]);
    expect(secrets[2]).toEqual(secrets[0]);

    const removal = await ann!.engine.commit(a, { remove: [1] });
    const told = await bob!.engine.unprotect(b, removal.commit);
    expect(told).toMatchObject({ type: "commit", commit: { removesSelf: true } });
    c = await follow(cyd!, c, removal.commit);
    const last = await ann!.engine.protect(removal.next, utf8("without bob"));
    expect(await cyd!.engine.unprotect(c, last.message)).toMatchObject({ plaintext: utf8("without bob") });
    await expect(bob!.engine.unprotect(b, last.message)).rejects.toMatchObject({ code: "mls_invalid" });
  });

  it("goes on from what was stored", async () => {
    const [ann, bob] = await Promise.all([device(node!, 1), device(node!, 2)]);
    const [a, b] = (await addAll(ann!, await newGroup(ann!, suite), [bob!])).groups;
    const disk = bob!.engine.snapshot(b!);
    const records = new Map(disk.secrets.map(({ id, bytes }) => [id, bytes]));
    const first = await ann!.engine.protect(a!, utf8("one"));
    const heard = await bob!.engine.unprotect(b!, first.message);
    if (heard.type !== "application") throw new Error("no message");
    for (const { id, bytes } of heard.delta) records.set(id, bytes);
    const restored = await bob!.engine.restore(
      { base: disk.base, secrets: [...records].map(([id, bytes]) => ({ id, bytes })) },
      bob!.signatureKey,
    );
    await expect(bob!.engine.unprotect(restored, first.message)).rejects.toMatchObject({
      code: "message_replayed",
    });
    const second = await ann!.engine.protect(first.group, utf8("two"));
    expect(await bob!.engine.unprotect(restored, second.message)).toMatchObject({ plaintext: utf8("two") });
  });
});
