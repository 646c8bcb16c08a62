// The quick tour of node-redis: node node-redis.js HOST PORT PROTOCOL.
const assert = require("assert");
const { createClient } = require("redis");

const [host, port, RESP] = [process.argv[2], process.argv[3], Number(process.argv[4])];
const url = `redis://${host}:${port}/0`;

async function tour(r, other) {
  assert.equal(await r.ping(), "PONG");
  assert.equal(await r.set("no:a", "1"), "OK");
  assert.equal(await r.get("no:a"), "1");
  assert.equal(await r.get("no:none"), null);
  assert.equal(await r.set("no:a", "2", { NX: true }), null);
  assert.equal(await r.incrBy("no:a", 41), 42);
  await r.mSet({ "no:x": "1", "no:y": "2" });
  assert.deepEqual(await r.mGet(["no:x", "no:none", "no:y"]), ["1", null, "2"]);

  assert.equal(await r.ttl("no:a"), -1);
  assert.equal(await r.expire("no:a", 100), 1);
  const left = await r.ttl("no:a");
  assert(left > 90 && left <= 100, `ttl: ${left}`);
  assert.equal(await r.getEx("no:a", { type: "EX", value: 1000 }), "42");

  const sums = await Promise.all([...Array(100)].map(() => r.incr("no:n"))); // sent together
  assert.deepEqual(sums, [...Array(100).keys()].map((i) => i + 1));
  assert.deepEqual(await r.multi().set("no:t", "1").incr("no:t").get("no:t").exec(), ["OK", 2, "2"]);

  for (let i = 0; i < 95; i++) await r.set(`no:scan:${i}`, `${i}`);
  const found = new Set();
  for await (const keys of r.scanIterator({ MATCH: "no:scan:*", COUNT: 7 })) [].concat(keys).forEach((k) => found.add(k));
  assert.equal(found.size, 95);
  await r.set("no:word", "x");
  await assert.rejects(r.incr("no:word"), /value is not an integer or out of range/);

  assert.equal(await r.set("no:lock", "mine", { NX: true, PX: 30000 }), "OK");
  assert.equal(await r.set("no:lock", "other", { NX: true, PX: 30000 }), null);
  assert.equal(await r.sendCommand(["DELIFEQ", "no:lock", "other"]), 0);
  assert.equal(await r.sendCommand(["DELIFEQ", "no:lock", "mine"]), 1);
  assert.equal(await r.exists("no:lock"), 0);

  const heard = [];
  let done;
  const both = new Promise((d) => (done = d));
  const note = (kind) => (text, channel) => heard.push(`${kind} ${channel} ${text}`) === 2 && done();
  await other.subscribe("no:news", note("message"));
  await other.pSubscribe("no:n*", note("pmessage"));
  assert.equal(await r.publish("no:news", "hello"), 2);
  await both;
  assert.deepEqual(heard.sort(), ["message no:news hello", "pmessage no:news hello"]);
  await other.unsubscribe("no:news");
  await other.pUnsubscribe("no:n*");
  assert.equal(await other.ping(), "PONG");
  assert((await r.del(await r.keys("no:*"))) > 90);
}

(async () => {
  const [r, other] = [createClient({ url, RESP, name: "tour" }), createClient({ url, RESP })];
  for (const c of [r, other]) c.on("error", (e) => { throw e; });
  await Promise.all([r.connect(), other.connect()]);
  await tour(r, other);
  await Promise.all([r.close(), other.close()]);
  console.log("done");
})().catch((e) => {
  console.error(e);
  process.exit(1);
});
