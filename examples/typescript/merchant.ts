// One purchase in TypeScript: an order that is safe to repeat, followed to its end, given back in part; and what
// happened, told by webhooks whose signatures are verified.
//
//     npm ci && npm run build
//     PLATFORM_URL=http://127.0.0.1:8081 API_KEY=cf_test_… npm start
//
// With a test key it makes itself a test card that agrees; CARD=card_… names another. WEBHOOK_URL is where the platform
// reaches this program; without it, this machine itself, which the demo and the test mode allow.

import { randomUUID } from "node:crypto";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

import { Webhook } from "standardwebhooks";

// Made from the platform's own description: a field that there is not does not compile.
import type { components } from "./api.js";

type Order = components["schemas"]["Order"];
type OrderRequest = components["schemas"]["OrderRequest"];
type Refund = components["schemas"]["Refund"];
type RefundRequest = components["schemas"]["RefundRequest"];
type TestCard = components["schemas"]["TestCard"];
type Endpoint = components["schemas"]["WebhookEndpoint"];
type EndpointRequest = components["schemas"]["WebhookEndpointRequest"];
type Message = { type: string; timestamp: string; sequence: number; data: Order };

const url = process.env["PLATFORM_URL"] ?? "http://127.0.0.1:8081";
const key = process.env["API_KEY"];
// Too many requests, too much to do, too late: the same again, as late as Retry-After says.
const again = [429, 503, 504];
const attempts = 5;

/** A refusal. `code` is for programs and never changes its meaning; `detail` is for people. */
class Problem extends Error {
  constructor(
    readonly status: number,
    readonly code: components["schemas"]["Problem"]["code"] | "no_answer",
    detail: string,
  ) {
    super(`${status} ${code}: ${detail}`);
  }

  static async from(answer: Response): Promise<Problem> {
    const body = (await answer.json().catch(() => ({}))) as Partial<components["schemas"]["Problem"]>;
    return new Problem(answer.status, body.code ?? "no_answer", body.detail ?? answer.statusText);
  }
}

type Call = { body?: unknown; idempotencyKey?: string };

/** What was lost or came too early is sent again, the same bytes under the same key: it is done once. */
async function call<T>(method: string, path: string, { body, idempotencyKey }: Call = {}): Promise<T> {
  // A POST without a key could be done twice.
  const repeatable = method !== "POST" || idempotencyKey !== undefined;
  const headers: Record<string, string> = { Authorization: `Bearer ${key}` };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  if (idempotencyKey !== undefined) headers["Idempotency-Key"] = idempotencyKey;
  const request: RequestInit = { method, headers };
  if (body !== undefined) request.body = JSON.stringify(body);

  for (let attempt = 1; ; attempt += 1) {
    let problem: Problem;
    let wait = attempt;
    try {
      const answer = await fetch(url + path, { ...request, signal: AbortSignal.timeout(35_000) });
      if (answer.ok) return (answer.status === 204 ? undefined : await answer.json()) as T;
      problem = await Problem.from(answer);
      // It was done the first time, and the answer was lost.
      if (method === "DELETE" && answer.status === 404 && attempt > 1) return undefined as T;
      if (!again.includes(answer.status)) throw problem;
      wait = Number(answer.headers.get("Retry-After") ?? attempt);
    } catch (error) {
      if (error instanceof Problem) throw error;
      problem = new Problem(0, "no_answer", String((error as Error).cause ?? error));
    }
    if (!repeatable || attempt === attempts) throw problem;
    await sleep(wait * 1000);
  }
}

/** The events of an order, each once, to its end: whoever was cut off goes on after the last one. */
async function* follow(id: string): AsyncGenerator<string> {
  let last = "";
  for (;;) {
    try {
      const headers = { Authorization: `Bearer ${key}`, ...(last && { "Last-Event-ID": last }) };
      const stream = await fetch(`${url}/v1/orders/${id}/events`, { headers });
      if (!stream.ok) throw await Problem.from(stream);
      let text = "";
      for await (const piece of stream.body!.pipeThrough(new TextDecoderStream())) {
        const events = (text + piece).split("\n\n");
        // The last one may not be whole.
        text = events.pop() ?? "";
        for (const event of events) {
          const field = (name: string) => event.match(new RegExp(`^${name}: ?(.*)$`, "m"))?.[1];
          // A comment, which comes every 15 s, is no event.
          if (field("data") === undefined) continue;
          last = field("id") ?? last;
          yield field("event") ?? "";
        }
      }
    } catch (error) {
      if (error instanceof Problem && !again.includes(error.status)) throw error;
    }
    // The stream ends after the order has.
    const { state } = await call<Order>("GET", `/v1/orders/${id}`);
    if (state !== "awaiting_card" && state !== "processing") return;
    await sleep(1000);
  }
}

/** Where the platform posts: a server that believes what is signed, and passes each message on once. */
class Receiver {
  secret = "";
  private readonly messages: Message[] = [];
  private readonly seen = new Set<string>();
  private readonly server = createServer((request, response) => {
    const pieces: Buffer[] = [];
    request.on("data", (piece: Buffer) => pieces.push(piece));
    request.on("end", () => {
      // The bytes as they came: JSON that was read and written again has another signature.
      const body = Buffer.concat(pieces);
      let message: Message;
      try {
        message = new Webhook(this.secret).verify(body, request.headers as Record<string, string>) as Message;
      } catch {
        response.writeHead(400).end();
        return;
      }
      // A message comes at least once. In a shop this set is a table, and what follows a message is done by somebody
      // else: the platform waits for this answer.
      const id = String(request.headers["webhook-id"]);
      if (!this.seen.has(id)) this.messages.push(message);
      this.seen.add(id);
      response.writeHead(204).end();
    });
  });

  async listen(): Promise<string> {
    await new Promise<void>((ready) => this.server.listen(Number(process.env["WEBHOOK_PORT"] ?? 0), "127.0.0.1", ready));
    return process.env["WEBHOOK_URL"] ?? `http://127.0.0.1:${(this.server.address() as AddressInfo).port}/hooks`;
  }

  async waitFor(kind: string, order: string): Promise<Message> {
    for (const deadline = Date.now() + 60_000; Date.now() < deadline; await sleep(50)) {
      const message = this.messages.find(({ type, data }) => type === kind && data.id === order);
      if (message) return message;
    }
    throw new Error("no webhook came within a minute: see GET /v1/webhook_endpoints/{id}/deliveries");
  }

  close(): void {
    this.server.close();
    this.server.closeAllConnections();
  }
}

async function buy(receiver: Receiver): Promise<number> {
  const card =
    process.env["CARD"] ??
    (await call<TestCard>("POST", "/v1/test/cards", { body: {}, idempotencyKey: `card-${randomUUID()}` })).id;

  // Your own number of this purchase, kept before you ask: whoever asks again after a crash asks with the same one.
  const purchase = `purchase-${randomUUID()}`;
  const wanted: OrderRequest = { amount: 2000, currency: "CNY", card, place: "Corner Shop", reference: purchase };
  let order = await call<Order>("POST", "/v1/orders", { body: wanted, idempotencyKey: purchase });
  console.log(`order ${order.id}; send the buyer to ${order.pay_url}`);

  // Did it arrive? Ask again, and it is the same order.
  const again = await call<Order>("POST", "/v1/orders", { body: wanted, idempotencyKey: purchase });
  if (again.id !== order.id) throw new Error(`two orders: ${order.id} and ${again.id}`);
  console.log("asked again: the same order");

  for await (const event of follow(order.id)) console.log(`  ${event}`);
  // An event says that there is something to see; the order says what is true.
  order = await call<Order>("GET", `/v1/orders/${order.id}`);
  console.log(`order ${order.state}`);
  if (order.state !== "paid") {
    console.error(`not paid: ${order.reason ?? order.state}`);
    return 3;
  }
  await receiver.waitFor("order.paid", order.id);
  console.log("webhook order.paid, verified");

  // A refund has a key of its own.
  const back: RefundRequest = { amount: 500, reference: "cold tea" };
  const refund = await call<Refund>("POST", `/v1/orders/${order.id}/refunds`, {
    body: back,
    idempotencyKey: `${purchase}-refund-1`,
  });
  console.log(`refund ${refund.id}: ${refund.amount} of ${order.amount} ${refund.currency}`);
  const told = (await receiver.waitFor("order.refunded", order.id)).data;
  console.log(`webhook order.refunded, verified: refunded ${told.refunded}, ${told.refund_state}`);
  return 0;
}

async function main(): Promise<number> {
  if (!key) throw new Error("set API_KEY to your API key: cf_test_…");
  const receiver = new Receiver();
  try {
    const wanted: EndpointRequest = {
      url: await receiver.listen(),
      kinds: ["order.paid", "order.refunded"],
      description: "the example in TypeScript",
    };
    const endpoint = await call<Endpoint>("POST", "/v1/webhook_endpoints", {
      body: wanted,
      idempotencyKey: `endpoint-${randomUUID()}`,
    });
    // Shown this once: a shop keeps it where it keeps its API key.
    receiver.secret = endpoint.secret ?? "";
    try {
      return await buy(receiver);
    } finally {
      await call("DELETE", `/v1/webhook_endpoints/${endpoint.id}`);
    }
  } finally {
    receiver.close();
  }
}

main().then(
  (code) => (process.exitCode = code),
  (error: Error) => {
    console.error(error instanceof Problem ? `refused: ${error.message}` : error.message);
    process.exitCode = 1;
  },
);
