// The quick tour of ioredis: node ioredis.js HOST PORT.
const assert = require("assert");
const Redis = require("ioredis");

const [host, port] = [process.argv[2], Number(process.argv[3])];

async function tour(r, other) {
  assert.equal(await r.ping(), "PONG");
  assert.equal(await r.set("io:a", "1"), "OK");
  assert.equal(await r.get("io:a"), "1");
  assert.equal(await r.get("io:none"), null);
  assert.equal(await r.set("io:a", "2", "NX"), null);
  assert.equal(await r.incrby("io:a", 41), 42);
  await r.mset({ "io:x": "1", "io:y": "2" });
  assert.deepEqual(await r.mget("io:x", "io:none", "io:y"), ["1", null, "2"]);
  const bytes = Buffer.from([0, 255, 13, 10]);
  await r.set("io:bytes", bytes);
  assert.deepEqual(await r.getBuffer("io:bytes"), bytes);

  assert.equal(await r.ttl("io:a"), -1);
  assert.equal(await r.pexpire("io:a", 100000), 1);
  const left = await r.pttl("io:a");
  assert(left > 90000 && left <= 100000, `pttl: ${left}`);
  assert.equal(await r.persist("io:a"), 1);

  const p = r.pipeline();
  for (let i = 0; i < 100; i++) p.incr("io:n");
  assert.deepEqual((await p.exec()).map(([, n]) => n), [...Array(100).keys()].map((i) => i + 1));
  assert.deepEqual(await r.multi().set("io:t", "1").incr("io:t").get("io:t").exec(), [[null, "OK"], [null, 2], [null, "2"]]);

  for (let i = 0; i < 95; i++) await r.set(`io:scan:${i}`, i);
  const found = new Set();
  for await (const keys of r.scanStream({ match: "io:scan:*", count: 7 })) keys.forEach((k) => found.add(k));
  assert.equal(found.size, 95);
  await assert.rejects(r.set("io:word", "x").then(() => r.incr("io:word")), /value is not an integer or out of range/);

  const token = "mine";
  assert.equal(await r.set("io:lock", token, "PX", 30000, "NX"), "OK");
  assert.equal(await r.set("io:lock", "other", "PX", 30000, "NX"), null);
  assert.equal(await r.call("DELIFEQ", "io:lock", "other"), 0);
  assert.equal(await r.call("DELIFEQ", "io:lock", token), 1);
  assert.equal(await r.exists("io:lock"), 0);

  const heard = [];
  const both = new Promise((done) => {
    const note = (...m) => heard.push(m.join(" ")) === 2 && done();
    other.on("message", (channel, text) => note("message", channel, text));
    other.on("pmessage", (pattern, channel, text) => note("pmessage", channel, text));
  });
  await other.subscribe("io:news");
  await other.psubscribe("io:n*");
  assert.equal(await r.publish("io:news", "hello"), 2);
  await both;
  assert.deepEqual(heard.sort(), ["message io:news hello", "pmessage io:news hello"]);
  await other.unsubscribe("io:news");
  await other.punsubscribe("io:n*");
  assert.equal(await other.ping(), "PONG");
  assert((await r.del(await r.keys("io:*"))) > 90);
}

(async () => {
  const url = `redis://${host}:${port}/0`;
  for (const make of [() => new Redis({ host, port, connectionName: "tour" }), () => new Redis(url)]) {
    const [r, other] = [make(), make()];
    await tour(r, other);
    await Promise.all([r.quit(), other.quit()]);
  }
  console.log("done");
})().catch((e) => {
  console.error(e);
  process.exit(1);
});
