// The axis: from times to a number that grows evenly along the picture. Stretches in which
// nothing happens take little of it.

const quietShare = 0.025; // what a quiet stretch takes of the axis

// makeAxis lays out times, sorted and with both ends among them.
function makeAxis(times, collapse) {
  const gaps = times.slice(1).map((t, i) => t - times[i]);
  const quiet = collapse ? quietGaps(gaps) : new Set();
  const busy = Math.max(1, gaps.reduce((n, g, i) => n + (quiet.has(i) ? 0 : g), 0));
  const t = [times[0]];
  const u = [0];
  const stretches = [];
  let at = 0;
  gaps.forEach((g, i) => {
    const width = quiet.has(i) ? quietShare : g / busy;
    if (quiet.has(i)) stretches.push({ from: times[i], to: times[i + 1], u0: at, u1: at + width });
    at += width;
    t.push(times[i + 1]);
    u.push(at);
  });
  return { t, u, stretches, end: at || 1, scale: 1 / busy };
}

// quietGaps is the gaps that are much longer than is usual and take much of what is left.
function quietGaps(gaps) {
  const quiet = new Set();
  const usual = [...gaps].sort((a, b) => a - b)[gaps.length >> 1] || 0;
  let total = gaps.reduce((n, g) => n + g, 0);
  for (let found = true; found;) {
    found = false;
    gaps.forEach((g, i) => {
      if (quiet.has(i) || g <= 20 * usual || g <= 0.06 * total) return;
      quiet.add(i);
      total -= g;
      found = true;
    });
  }
  return quiet;
}

function between(x, from, to) {
  if (x <= from[0]) return [0, 1];
  let low = 0;
  let high = from.length - 1;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (from[middle] <= x) low = middle;
    else high = middle;
  }
  return [low, high];
}

function convert(x, from, to, slope) {
  const last = from.length - 1;
  if (last < 1 || x <= from[0]) return to[0] + (x - from[0]) * slope;
  if (x >= from[last]) return to[last] + (x - from[last]) * slope;
  const [i, j] = between(x, from, to);
  return from[j] === from[i] ? to[i] : to[i] + ((x - from[i]) * (to[j] - to[i])) / (from[j] - from[i]);
}

const toAxis = (axis, t) => convert(t, axis.t, axis.u, axis.scale);
const toTime = (axis, u) => convert(u, axis.u, axis.t, 1 / axis.scale);

// axisOf is the axis of a run, by true time or by its leaders' clocks.
function axisOf(r) {
  const name = `axis ${state.byClocks} ${state.collapse}`;
  if (!r[name]) {
    const times = new Set([0, r.end]);
    for (const o of r.ops) times.add(placed(r, o.leader, o.at));
    for (const m of r.messages) {
      if (m.kind !== 'ship') continue;
      times.add(placed(r, m.from, m.sent));
      if (m.arrives !== never) times.add(placed(r, m.to, m.arrives));
    }
    for (const b of r.bands) {
      const l = b.lanes.find((i) => lane(i).leader);
      times.add(l === undefined ? b.from : placed(r, l, b.from));
      times.add(l === undefined ? b.to : placed(r, l, b.to));
    }
    r[name] = makeAxis([...times].sort((a, b) => a - b), state.collapse);
  }
  return r[name];
}
