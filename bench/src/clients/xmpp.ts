/**
 * XMPP client for load (RFC 6120, 6121, XEP-0198): SASL PLAIN, bind, chat messages over TCP. Only what this needs.
 * "Taken" is the server's stream management answer, for those who only send; others hear nothing of the kind.
 * The parser knows stanzas by their closing tags, which is enough for the servers it talks to and far from XML.
 */
import { once } from "node:events";
import { connect } from "node:net";
import {
  Batch,
  type Client,
  type Connection,
  type Handlers,
  type Purpose,
  eachOf,
  writeJoined,
} from "./client.ts";
import { sourceAddress } from "./websocket.ts";

const HOST = "localhost";
const PASSWORD = "bench";

/** A client of an XMPP server on loopback; accounts are made through its HTTP API. */
export function xmppClient(port: number, apiPort: number): Client {
  return {
    async prepare(users) {
      await eachOf(users, 16, async (user) => {
        const response = await fetch(`http://127.0.0.1:${apiPort}/api/register`, {
          method: "POST",
          body: JSON.stringify({ user: `user${user}`, host: HOST, password: PASSWORD }),
        });
        const text = await response.text();
        if (!response.ok && response.status !== 409) throw new Error(`register: ${response.status} ${text}`);
      });
    },
    connect: (user, purpose, handlers) => open(port, user, purpose, handlers),
  };
}

async function open(port: number, user: number, purpose: Purpose, handlers: Handlers): Promise<Connection> {
  const socket = connect({ port, host: "127.0.0.1", localAddress: sourceAddress(user), noDelay: true });
  await once(socket, "connect");
  socket.on("error", handlers.failed);
  const onClose = (): void => handlers.failed(new Error("the server closed the connection"));
  socket.on("close", onClose);

  let said = "";
  let look: (() => void) | undefined;
  /** Says something and waits until the server's answer holds `token`. */
  const ask = (xml: string, token: string): Promise<void> =>
    new Promise((resolve, reject) => {
      const late = setTimeout(
        () => reject(new Error(`no ${token} from the server; it said: ${said}`)),
        30_000,
      );
      look = () => {
        if (!said.includes(token)) return;
        clearTimeout(late);
        said = "";
        resolve();
      };
      socket.write(xml);
    });
  const onSetup = (chunk: Buffer): void => {
    said += chunk.toString("latin1");
    look?.();
  };
  socket.on("data", onSetup);

  const stream = `<?xml version='1.0'?><stream:stream to='${HOST}' xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' version='1.0'>`;
  await ask(stream, "</stream:features>");
  const plain = Buffer.from(`\0user${user}\0${PASSWORD}`).toString("base64");
  await ask(`<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>${plain}</auth>`, "<success");
  await ask(stream, "</stream:features>");
  await ask(
    `<iq type='set' id='b'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><resource>b</resource></bind></iq>`,
    "</iq>",
  );
  if (purpose === "send") await ask(`<enable xmlns='urn:xmpp:sm:3'/>`, "<enabled");
  socket.off("data", onSetup);

  let answered = 0;
  const parser = new StanzaParser({
    message(body) {
      handlers.received(body);
    },
    answer(handled) {
      handlers.taken(handled - answered);
      answered = handled;
    },
    error(text) {
      handlers.failed(new Error(`the server answered an error: ${text}`));
    },
  });
  socket.on("data", (chunk: Buffer) => parser.push(chunk));
  const batch = new Batch((parts) =>
    writeJoined(socket, purpose === "send" ? [...parts, askToConfirm] : parts),
  );
  // Presence makes the server deliver, beginning with what it kept.
  if (purpose !== "send") socket.write("<presence/>");
  return {
    send(to, body) {
      batch.add(
        Buffer.from(
          `<message to='user${to}@${HOST}' type='chat'><body>${body.toString("latin1")}</body></message>`,
          "latin1",
        ),
      );
    },
    async close() {
      socket.off("close", onClose);
      if (socket.destroyed) return;
      const closed = once(socket, "close");
      socket.end("</stream:stream>");
      const late = setTimeout(() => socket.destroy(), 1000);
      await closed;
      clearTimeout(late);
    },
  };
}

const askToConfirm = Buffer.from("<r xmlns='urn:xmpp:sm:3'/>");

/** Finds the bodies of messages and the answers of stream management in what the server says. */
export class StanzaParser {
  #rest: Buffer = Buffer.alloc(0);
  readonly #on: {
    message(body: Buffer): void;
    answer(handled: number): void;
    error(text: string): void;
  };

  constructor(on: { message(body: Buffer): void; answer(handled: number): void; error(text: string): void }) {
    this.#on = on;
  }

  push(chunk: Buffer): void {
    const data = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    let at = 0;
    for (;;) {
      const start = data.indexOf("<", at, "latin1");
      if (start < 0) break;
      const kind = data.toString("latin1", start, start + 9);
      let end: number;
      if (kind === "<message ") {
        end = closing(data, start, "</message>");
        if (end < 0) break;
        this.#message(data.subarray(start, end));
      } else if (kind.startsWith("<a ")) {
        end = closing(data, start, "/>");
        if (end < 0) break;
        const handled = /\bh=['"](\d+)/.exec(data.toString("latin1", start, end));
        this.#on.answer(Number(handled?.[1]));
      } else if (kind.length < 9) {
        at = start;
        break;
      } else {
        // Presence, stream errors and the like: only their end matters.
        const name = /^<([a-z:]+)/.exec(data.toString("latin1", start, start + 64))?.[1] ?? "";
        const close = closing(data, start, ">");
        if (close < 0) break;
        end = data[close - 2] === 0x2f ? close : closing(data, close, `</${name}>`);
        if (end < 0) break;
        if (name === "stream:error") this.#on.error(data.toString("latin1", start, end));
      }
      at = end;
    }
    this.#rest = at === data.length ? Buffer.alloc(0) : data.subarray(at);
  }

  #message(stanza: Buffer): void {
    const head = stanza.toString("latin1", 0, stanza.indexOf(">") + 1);
    if (/type=['"]error['"]/.test(head)) {
      this.#on.error(stanza.toString("latin1", 0, 1000));
      return;
    }
    const open = stanza.indexOf("<body>");
    if (open < 0) return;
    this.#on.message(stanza.subarray(open + 6, stanza.indexOf("</body>", open)));
  }
}

function closing(data: Buffer, from: number, tag: string): number {
  const found = data.indexOf(tag, from, "latin1");
  return found < 0 ? -1 : found + tag.length;
}
