"""The quick tour of redis-py: python redis-py.py HOST PORT PROTOCOL."""

import sys
import threading

import redis

host, port, protocol = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])


def is_(what, got, want):
    if got != want:
        sys.exit(f"{what}: got {got!r}, want {want!r}")


def tour(r):
    is_("ping", r.ping(), True)
    is_("set", r.set("py:a", "1"), True)
    is_("get", r.get("py:a"), "1")
    is_("get of none", r.get("py:none"), None)
    is_("set nx", r.set("py:a", "2", nx=True), None)
    is_("incr", r.incr("py:a", 41), 42)
    is_("mset", r.mset({"py:x": "1", "py:y": "2"}), True)
    is_("mget", r.mget("py:x", "py:none", "py:y"), ["1", None, "2"])
    is_("getrange", r.getrange("py:a", 0, 0), "4")
    is_("incrbyfloat", r.incrbyfloat("py:f", 1.5), 1.5)
    is_("rename", r.rename("py:y", "py:z"), True)
    is_("exists", r.exists("py:x", "py:y", "py:z"), 2)

    is_("ttl without end", r.ttl("py:a"), -1)
    is_("expire", r.expire("py:a", 100), True)
    is_("ttl", 90 < r.ttl("py:a") <= 100, True)
    is_("pttl", 90000 < r.pttl("py:a") <= 100000, True)
    is_("getex", r.getex("py:a", persist=True), "42")
    is_("ttl", r.ttl("py:a"), -1)

    with r.pipeline(transaction=False) as p:
        for i in range(100):
            p.incr("py:n")
        is_("pipeline", p.execute(), list(range(1, 101)))
    with r.pipeline() as p:
        p.set("py:t", "1").incr("py:t").get("py:t")
        is_("multi", p.execute(), [True, 2, "2"])
    r.transaction(lambda p: p.multi() or p.set("py:w", "1"), "py:w")
    is_("watch", r.get("py:w"), "1")

    for i in range(95):
        r.set(f"py:scan:{i:02}", i)
    is_("scan", sorted(r.scan_iter("py:scan:*", count=7)), [f"py:scan:{i:02}" for i in range(95)])
    is_("keys", len(r.keys("py:scan:0?")), 10)
    try:
        r.set("py:word", "x") and r.incr("py:word")
        sys.exit("incr of a word was done")
    except redis.ResponseError as e:
        is_("incr of a word", str(e), "value is not an integer or out of range")

    lock = r.lock("py:lock", timeout=30)  # it is let go, and extended, by scripts
    is_("lock", lock.acquire(blocking=False), True)
    is_("lock that is held", r.lock("py:lock", timeout=30).acquire(blocking=False), False)
    is_("extend", lock.extend(60), True)
    lock.release()
    is_("lock that was let go", r.exists("py:lock"), 0)
    listen(r)
    is_("info", r.info("server")["redis_mode"], "standalone")
    is_("delete", r.delete(*r.keys("py:*")) > 100, True)


def listen(r):
    p, heard, ready = r.pubsub(), [], threading.Event()
    p.subscribe("py:news")
    p.psubscribe("py:n*")

    def hear():
        for m in p.listen():
            if m["type"] == "psubscribe":
                ready.set()
            if m["type"].endswith("message"):
                heard.append((m["type"], m["channel"], m["data"]))
            if len(heard) == 2:
                return

    t = threading.Thread(target=hear, daemon=True)
    t.start()
    is_("subscribed", ready.wait(20), True)
    is_("publish", r.publish("py:news", "hello"), 2)
    t.join(20)
    is_("messages", sorted(heard), [("message", "py:news", "hello"), ("pmessage", "py:news", "hello")])
    p.close()


tour(redis.Redis(host=host, port=port, protocol=protocol, decode_responses=True))
tour(redis.Redis.from_url(f"redis://{host}:{port}/0?protocol={protocol}&decode_responses=True"))
print("done")
