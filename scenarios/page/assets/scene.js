// What is in view: geometry, and what of the run falls into it. What is denser than can be
// told apart is counted instead of drawn.

const maxDrawn = 600; // messages in view that are drawn one by one
const maxOps = 300; // ops, likewise
const maxNamed = 60; // ops whose names are looked for room for
const head = 26; // height of the ruler of true time
const binWidth = 4;

// layout is where lanes are, for a width in pixels.
function layout(width) {
  const narrow = width < 560;
  const l = { width, left: narrow ? 56 : 92, right: width - 10, y: [], top: [], bottom: [] };
  let y = head + 6;
  story.lanes.forEach((one, i) => {
    l.top[i] = y;
    l.y[i] = y + (one.leader ? 22 : 18);
    y += one.leader ? 66 : 34;
    l.bottom[i] = y - 2;
  });
  l.height = y + 8;
  return l;
}

// sceneOf is everything that drawing needs.
function sceneOf(width) {
  const r = run();
  const l = layout(width);
  const axis = axisOf(r);
  const [a, b] = state.view;
  const x = (t) => l.left + ((toAxis(axis, t) - a) / (b - a)) * (l.right - l.left);
  const time = (px) => toTime(axis, a + ((px - l.left) / (l.right - l.left)) * (b - a));
  const sc = { r, l, axis, x, time, from: time(l.left), to: time(l.right) };
  sc.inView = (t) => t >= sc.from && t <= sc.to;
  sc.ops = r.ops.filter((o) => sc.inView(placed(r, o.leader, o.at)));
  sc.messages = visible(sc);
  sc.manyMessages = sc.messages.length > maxDrawn;
  sc.manyOps = sc.ops.length > maxOps;
  sc.named = namedOps(sc);
  return sc;
}

// visible is the messages that cross the view. By true time they are in order.
function visible(sc) {
  const { r } = sc;
  let list = r.messages;
  if (!state.byClocks) {
    const to = upTo(list, sc.to, (m) => m.sent);
    const from = upTo(list, sc.from - r.longest - 1, (m) => m.sent);
    list = list.slice(from, to);
  }
  return list.filter((m) => {
    if (!state.clients && m.kind !== 'ship') return false;
    const [t0, t1] = ends(r, m);
    const low = t1 === never ? t0 : Math.min(t0, t1);
    const high = t1 === never ? t0 : Math.max(t0, t1);
    return high >= sc.from && low <= sc.to;
  });
}

// concerned is the messages about some ops, which are drawn however many there are.
function concerned(sc, ops) {
  return sc.messages.filter((m) => ops.has(m.op));
}

// bins counts things along a lane: what was accepted or applied there, and what was lost.
function bins(sc, laneIndex) {
  const all = new Map();
  const add = (t, what) => {
    const x = sc.x(t);
    if (x < sc.l.left || x > sc.l.right) return;
    const at = Math.floor((x - sc.l.left) / binWidth);
    if (!all.has(at)) all.set(at, { here: 0, dropped: 0, lost: 0 });
    all.get(at)[what]++;
  };
  const { r } = sc;
  for (const o of sc.ops) if (o.leader === laneIndex) add(placed(r, laneIndex, o.at), o.loss ? 'lost' : 'here');
  for (const m of sc.messages) {
    if (m.kind === 'ship' && m.to === laneIndex && m.applied !== never) add(placed(r, laneIndex, m.applied), 'here');
    if (m.from === laneIndex && m.arrives === never) add(placed(r, laneIndex, m.sent), 'dropped');
  }
  return all;
}

// step is how far marks of a ruler are apart, so that their texts have room.
function step(sc, px) {
  const ticks = Math.max(2, (sc.l.right - sc.l.left) / px);
  const quiet = sc.axis.stretches.reduce((n, q) => n + Math.max(0, Math.min(q.to, sc.to) - Math.max(q.from, sc.from)), 0);
  return round(Math.max(1, (sc.to - sc.from - quiet) / ticks));
}

// busy is the parts of the view between the stretches in which nothing happens.
function busy(sc) {
  const parts = [];
  let from = Math.max(sc.from, sc.axis.t[0]);
  for (const q of sc.axis.stretches) {
    if (q.to <= from || q.from >= sc.to) continue;
    if (q.from > from) parts.push([from, q.from]);
    from = q.to;
  }
  return from < sc.to ? [...parts, [from, sc.to]] : parts;
}

// backwards reports whether a message arrives, by its receiver's clock, before it was sent
// by its sender's.
function backwards(r, m) {
  if (m.kind !== 'ship' || m.arrives === never) return false;
  const sent = m.sent + offsetAt(r, m.from, m.sent).offset;
  return m.arrives + offsetAt(r, m.to, m.arrives).offset < sent;
}
