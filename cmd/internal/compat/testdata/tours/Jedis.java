import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Objects;
import java.util.TreeSet;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import redis.clients.jedis.*;
import redis.clients.jedis.commands.ProtocolCommand;
import redis.clients.jedis.exceptions.JedisDataException;
import redis.clients.jedis.params.ScanParams;
import redis.clients.jedis.params.SetParams;
import redis.clients.jedis.resps.ScanResult;

/** The quick tour of Jedis: java -cp jars Jedis.java HOST PORT PROTOCOL. */
public class Jedis {
  static void is(String what, Object got, Object want) {
    if (!Objects.equals(got, want)) {
      throw new AssertionError(what + ": got " + got + ", want " + want);
    }
  }

  static void tour(JedisPooled r, HostAndPort at, JedisClientConfig config) throws Exception {
    is("set", r.set("je:a", "1"), "OK");
    is("get", r.get("je:a"), "1");
    is("get of none", r.get("je:none"), null);
    is("set nx", r.set("je:a", "2", new SetParams().nx()), null);
    is("incrBy", r.incrBy("je:a", 41), 42L);
    is("mset", r.mset("je:x", "1", "je:y", "2"), "OK");
    is("mget", r.mget("je:x", "je:none", "je:y"), Arrays.asList("1", null, "2"));

    is("ttl without end", r.ttl("je:a"), -1L);
    is("expire", r.expire("je:a", 100), 1L);
    is("ttl", r.ttl("je:a") > 90 && r.ttl("je:a") <= 100, true);
    is("persist", r.persist("je:a"), 1L);

    List<Response<Long>> sums = new ArrayList<>();
    try (AbstractPipeline p = r.pipelined()) {
      for (int i = 0; i < 100; i++) {
        sums.add(p.incr("je:n"));
      }
      p.sync();
    }
    is("pipeline", sums.get(99).get(), 100L);
    try (AbstractTransaction t = r.multi()) {
      t.set("je:t", "1");
      t.incr("je:t");
      t.get("je:t");
      is("multi", t.exec(), Arrays.asList("OK", 2L, "2"));
    }

    for (int i = 0; i < 95; i++) {
      r.set("je:scan:" + i, "" + i);
    }
    TreeSet<String> found = new TreeSet<>();
    String cursor = ScanParams.SCAN_POINTER_START;
    do {
      ScanResult<String> page = r.scan(cursor, new ScanParams().match("je:scan:*").count(7));
      found.addAll(page.getResult());
      cursor = page.getCursor();
    } while (!cursor.equals(ScanParams.SCAN_POINTER_START));
    is("scan", found.size(), 95);
    try {
      r.set("je:word", "x");
      r.incr("je:word");
      throw new AssertionError("incr of a word was done");
    } catch (JedisDataException e) {
      is("incr of a word", e.getMessage(), "ERR value is not an integer or out of range");
    }

    ProtocolCommand delifeq = () -> "DELIFEQ".getBytes();
    is("lock", r.set("je:lock", "mine", new SetParams().nx().px(30000)), "OK");
    is("lock that is held", r.set("je:lock", "other", new SetParams().nx().px(30000)), null);
    is("another's lock", r.sendCommand(delifeq, "je:lock", "other"), 0L);
    is("my lock", r.sendCommand(delifeq, "je:lock", "mine"), 1L);
    is("lock that was let go", r.exists("je:lock"), false);
    listen(r, at, config);
    is("del", r.del(r.keys("je:*").toArray(new String[0])) > 90, true);
  }

  static void listen(JedisPooled r, HostAndPort at, JedisClientConfig config) throws Exception {
    List<String> heard = Collections.synchronizedList(new ArrayList<>());
    CountDownLatch ready = new CountDownLatch(2);
    JedisPubSub ear = new JedisPubSub() {
      @Override public void onSubscribe(String channel, int n) { ready.countDown(); try { psubscribe("je:n*"); } catch (RuntimeException e) { heard.add(e.toString()); } }
      @Override public void onPSubscribe(String pattern, int n) { ready.countDown(); }
      @Override public void onMessage(String channel, String text) { note("message " + channel + " " + text); }
      @Override public void onPMessage(String pattern, String channel, String text) { note("pmessage " + channel + " " + text); }
      void note(String m) {
        heard.add(m);
        if (heard.size() == 2) {
          unsubscribe();
          punsubscribe();
        }
      }
    };
    Thread t = new Thread(() -> {
      try (JedisPooled other = new JedisPooled(at, config)) {
        other.subscribe(ear, "je:news");
      }
    });
    t.setDaemon(true);
    t.start();
    is("subscribed", ready.await(20, TimeUnit.SECONDS), true);
    is("publish", r.publish("je:news", "hello"), 2L);
    t.join(20000);
    is("messages", new TreeSet<>(heard), new TreeSet<>(Arrays.asList("message je:news hello", "pmessage je:news hello")));
  }

  public static void main(String[] args) throws Exception {
    HostAndPort at = new HostAndPort(args[0], Integer.parseInt(args[1]));
    DefaultJedisClientConfig.Builder config = DefaultJedisClientConfig.builder().clientName("tour").socketTimeoutMillis(20000);
    if (args[2].equals("3")) {
      config.protocol(RedisProtocol.RESP3);
    }
    try (JedisPooled r = new JedisPooled(at, config.build())) {
      tour(r, at, config.build());
    }
    System.out.println("done");
  }
}
