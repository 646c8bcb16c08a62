// Drawing a scene as SVG, from the back to the front.

function drawScene(sc) {
  return [
    patterns(), s('g', { class: 'quiet' }, sc.axis.stretches.map((q) => drawQuiet(sc, q))),
    s('g', { class: 'bands' }, sc.r.bands.map((b) => drawBand(sc, b))),
    drawTrueRuler(sc),
    story.lanes.map((one, i) => drawLane(sc, one, i)),
    s('g', { class: 'messages' }, sc.manyMessages ? [] : sc.messages.map((m) => drawMessage(sc, m))),
    s('g', { class: 'causes' }),
    s('g', { class: 'ops' }, sc.manyOps ? [] : sc.ops.map((o) => drawOp(sc, o))),
    s('g', { class: 'verdicts' }, sc.manyOps ? [] : sc.r.losses.map((l) => drawVerdict(sc, l))),
    s('g', { class: 'front' }),
    s('line', { class: 'moment', x1: 0, x2: 0, y1: head, y2: sc.l.height - 4 }),
  ].flat();
}

function patterns() {
  const hatch = (id, angle) => s('pattern', { id, width: 7, height: 7, patternUnits: 'userSpaceOnUse', patternTransform: `rotate(${angle})` },
    s('line', { x1: 0, y1: 0, x2: 0, y2: 7, class: 'hatch' }));
  return s('defs', {}, hatch('hatch', 45), hatch('hatch-back', 135),
    ['message', 'back', 'cause'].map((name) => s('marker', { id: `head-${name}`, class: `head-${name}`, viewBox: '0 0 8 8', refX: 7, refY: 4, markerWidth: 6, markerHeight: 6, orient: 'auto-start-reverse' },
      s('path', { d: 'M0,0.5 L8,4 L0,7.5 Z' }))));
}

function clamp(sc, x) {
  return Math.max(sc.l.left, Math.min(sc.l.right, x));
}

function drawQuiet(sc, q) {
  const [x0, x1] = [clamp(sc, sc.x(q.from)), clamp(sc, sc.x(q.to))];
  if (x1 - x0 < 2) return null;
  const text = duration(q.to - q.from);
  return s('g', {}, s('title', {}, `nothing happens for ${text}`),
    s('rect', { x: x0, y: head, width: x1 - x0, height: sc.l.height - head - 4 }),
    s('text', { x: (x0 + x1) / 2, y: head - 9, 'text-anchor': 'middle' }, x1 - x0 > 44 ? `⋯ ${text} ⋯` : x1 - x0 > 10 ? '⋯' : ''));
}

function drawBand(sc, b) {
  const lanes = b.lanes.length ? b.lanes : story.lanes.map((_, i) => i);
  if (b.kind === 'event') return drawEvent(sc, b, lanes);
  const first = { done: false };
  return lanes.map((i) => {
    const [x0, x1] = [clamp(sc, sc.x(placed(sc.r, i, b.from))), clamp(sc, sc.x(placed(sc.r, i, b.to)))];
    if (x1 - x0 < 0.5) return null;
    const label = !first.done && x1 - x0 > 60;
    if (label) first.done = true;
    return s('g', { class: `band ${b.kind}` }, s('title', {}, `${b.words}, for ${duration(b.to - b.from)}`),
      s('rect', { x: x0, y: sc.l.top[i], width: x1 - x0, height: sc.l.bottom[i] - sc.l.top[i] }),
      label && s('text', { x: x0 + 4, y: sc.l.top[i] + 10 }, fit(b.words, x1 - x0 - 8)));
  });
}

// fit cuts a text to about a width in pixels.
function fit(text, width) {
  const most = Math.floor(width / 6);
  return text.length <= most ? text : text.slice(0, Math.max(1, most - 1)) + '…';
}

// fitEnds cuts a name in the middle: addresses differ at their ends.
function fitEnds(text, width) {
  const most = Math.max(3, Math.floor(width / 7.8));
  if (text.length <= most) return text;
  const tail = Math.ceil((most - 1) / 2);
  return `${text.slice(0, most - 1 - tail)}…${text.slice(-tail)}`;
}

function drawEvent(sc, b, lanes) {
  const at = b.lanes.length ? placed(sc.r, lanes[0], b.from) : b.from;
  const x = sc.x(at);
  if (x < sc.l.left - 1 || x > sc.l.right + 1) return null;
  const [y0, y1] = b.lanes.length ? [sc.l.top[lanes[0]], sc.l.bottom[lanes[lanes.length - 1]]] : [head, sc.l.height - 6];
  return s('g', { class: 'event' }, s('title', {}, `${b.words} at ${seconds(b.from)}`),
    s('line', { x1: x, x2: x, y1: y0, y2: y1 }), s('path', { d: `M${x},${y0} l7,4 l-7,4 Z` }));
}

function drawTrueRuler(sc) {
  const apart = step(sc, 90);
  const marks = [];
  for (let t = Math.ceil(sc.from / apart) * apart; t <= sc.to && marks.length < 60; t += apart) {
    const hidden = sc.axis.stretches.find((q) => t >= q.from && t < q.to);
    if (hidden) t = Math.floor(hidden.to / apart) * apart;
    else marks.push(t);
  }
  return s('g', { class: 'ruler' },
    s('text', { class: 'caption', x: 4, y: head - 9 }, state.byClocks ? 'clocks' : 'true time'),
    thin(marks.map((t) => [sc.x(t), t]), 58).map(([x, t]) => s('g', {},
      s('line', { x1: x, x2: x, y1: head - 4, y2: sc.l.height - 4 }),
      s('text', { x, y: head - 9, 'text-anchor': 'middle' }, tick(t, apart)))));
}

// thin leaves out marks that are closer than room to the one before.
function thin(marks, room) {
  let last = -Infinity;
  return marks.filter(([x]) => {
    if (x - last < room) return false;
    last = x;
    return true;
  });
}

function drawLane(sc, one, i) {
  const y = sc.l.y[i];
  return s('g', { class: one.leader ? 'lane leader' : 'lane client' },
    s('text', { x: one.leader ? 6 : 18, y: y + 4 }, fitEnds(one.name, sc.l.left - (one.leader ? 8 : 20))),
    s('line', { class: 'track', x1: sc.l.left, x2: sc.l.right, y1: y, y2: y }),
    one.leader && !state.byClocks && drawClock(sc, i), one.leader && drawOffset(sc, i), (sc.manyMessages || sc.manyOps) && drawBins(sc, i));
}

// drawClock is the ruler of the leader's own clock: where its marks stand is when, by true
// time, it showed them, and the band around each is the error that it claims.
function drawClock(sc, i) {
  const y = sc.l.y[i] + 22;
  const apart = step(sc, 90);
  const parts = busy(sc).map(([t0, t1]) => ruler(sc.r, i, t0, t1, apart));
  const jumps = parts.flatMap((p) => p.jumps);
  const seen = thin(parts.flatMap((p) => p.marks).map((m) => [sc.x(m.at), m]), 58);
  return s('g', { class: 'clock' },
    s('line', { class: 'face', x1: sc.l.left, x2: sc.l.right, y1: y, y2: y }),
    s('g', { class: 'errors' }, seen.map(([, m]) => drawError(sc, m, y))),
    seen.map(([x, m]) => drawMark(sc, m, x, y, apart)),
    jumps.map((j) => s('g', { class: 'jump' }, s('title', {}, `the clock jumps by ${signed(j.by)} at ${seconds(j.at)}`),
      s('line', { x1: sc.x(j.at), x2: sc.x(j.at), y1: y - 8, y2: y + 10 }),
      jumps.length < 12 && s('text', { x: sc.x(j.at) + 3, y: y + 20 }, signed(j.by)))));
}

function drawError(sc, m, y) {
  const [x0, x1] = [clamp(sc, sc.x(m.at - m.error)), clamp(sc, sc.x(m.at + m.error))];
  return x1 - x0 > 3 && s('rect', { x: x0, y: y - 3, width: x1 - x0, height: 6 });
}

function drawMark(sc, m, x, y, apart) {
  const right = sc.x(m.shows);
  const near = right >= sc.l.left && right <= sc.l.right && Math.abs(right - x) > 1.5;
  return s('g', {}, s('title', {}, `the clock shows ${seconds(m.shows)} at ${seconds(m.at)}, and claims ±${duration(m.error)}`),
    near && s('line', { class: 'shift', x1: right, x2: x, y1: y - 22, y2: y }),
    s('line', { x1: x, x2: x, y1: y - 4, y2: y + 4 }),
    s('text', { x, y: y + 15, 'text-anchor': 'middle' }, tick(m.shows, apart)));
}

// drawOffset says, below the leader's name, how far its clock is off at the moment.
function drawOffset(sc, i) {
  const { offset, error } = offsetAt(sc.r, i, state.moment);
  return s('g', { class: 'offset' }, s('title', {}, `the clock of ${lane(i).name} is off by ${signed(offset)} at this moment, and claims ±${duration(error)}`),
    s('text', { x: 6, y: sc.l.y[i] + 19 }, signed(Math.round(offset))), s('text', { x: 6, y: sc.l.y[i] + 32 }, `±${duration(error)}`));
}

function drawBins(sc, i) {
  const all = bins(sc, i);
  const most = Math.max(1, ...[...all.values()].map((b) => b.here + b.lost));
  const y = sc.l.y[i];
  return s('g', { class: 'bins' }, [...all].map(([at, b]) => {
    const x = sc.l.left + at * binWidth;
    const tall = (n) => (n ? 3 + 13 * Math.sqrt(n / most) : 0); // one thing beside hundreds is still seen
    return [s('rect', { class: 'here', x, y: y - tall(b.here + b.lost), width: binWidth - 1, height: tall(b.here + b.lost) }),
      b.lost > 0 && s('rect', { class: 'lost', x, y: y - tall(b.lost), width: binWidth - 1, height: tall(b.lost) }),
      b.dropped > 0 && s('rect', { class: 'dropped', x, y: y + 1, width: binWidth - 1, height: 3 })];
  }));
}

function drawMessage(sc, m) {
  const [t0, t1] = ends(sc.r, m);
  const back = backwards(sc.r, m);
  const [x0, y0] = [sc.x(t0), sc.l.y[m.from]];
  const lost = t1 === never;
  const down = Math.sign(sc.l.y[m.to] - y0);
  const y1 = lost ? y0 + 0.6 * (sc.l.y[m.to] - y0) : sc.l.y[m.to] - down * (lane(m.to).leader ? 5 : 0);
  const x1 = lost ? x0 + 10 : sc.x(t1);
  const head = m.kind === 'ship' && back ? 'back' : 'message';
  return s('g', { class: `message ${m.kind}${lost ? ' dropped' : ''}${back && state.byClocks ? ' back' : ''}${m.guessed ? ' guessed' : ''}`, 'data-op': m.op },
    s('title', {}, messageWords(sc.r, m)),
    s('line', { x1: x0, y1: y0, x2: x1, y2: y1, 'marker-end': lost || m.kind === 'reply' ? null : `url(#head-${back && state.byClocks ? head : 'message'})` }),
    lost && s('path', { class: 'cross', d: `M${x1 - 4},${y1 - 4} l8,8 m0,-8 l-8,8` }));
}

function messageWords(r, m) {
  const what = m.op === none ? m.words : `${r.ops[m.op].label}${m.words ? ': ' + m.words : ''}`;
  const fate = m.arrives === never ? 'and it is lost' : `arrives ${seconds(m.arrives)}, ${duration(m.arrives - m.sent)} on its way`;
  const again = m.again ? `; sent again in vain ${count(m.again, 'time')}` : '';
  return `${m.kind} ${lane(m.from).name} → ${lane(m.to).name}, ${what}, sent ${seconds(m.sent)}, ${fate}${again}${m.guessed ? ' (nobody saw it being sent)' : ''}${backwards(r, m) ? '; by the clocks of the two it arrives before it was sent' : ''}`;
}

const opName = (o) => fit(`${o.label} ${o.delete ? 'deleted' : o.value}`, 110);

// namedOps is the ops whose names have room beside each other, the lost ones first.
function namedOps(sc) {
  const named = new Set();
  if (sc.ops.length > maxNamed) return named;
  const taken = story.lanes.map(() => []);
  for (const o of [...sc.ops.filter((x) => x.loss), ...sc.ops.filter((x) => !x.loss)]) {
    const from = sc.x(placed(sc.r, o.leader, o.at)) + 6;
    const to = from + 6.2 * opName(o).length;
    if (taken[o.leader].some(([a, b]) => from < b && a < to)) continue;
    taken[o.leader].push([from, to]);
    named.add(o.index);
  }
  return named;
}

function drawOp(sc, o) {
  const [x, y] = [sc.x(placed(sc.r, o.leader, o.at)), sc.l.y[o.leader]];
  const name = sc.named.has(o.index) && s('text', { x: x + 6, y: y - 7 }, opName(o));
  return s('g', { class: `op${o.loss ? ' lost' : ''}`, 'data-op': o.index, role: 'button', tabindex: -1, 'aria-label': describe(sc.r, o.index) },
    s('circle', { class: 'hit', cx: x, cy: y, r: 10 }),
    o.loss ? s('path', { class: 'sign', d: `M${x - 5},${y - 5} l10,10 m0,-10 l-10,10` }) : s('circle', { class: 'sign', cx: x, cy: y, r: 4.5 }), name);
}

// drawUntil marks the last moment at which a loss could still have been avoided. It is one of
// true time, which has no one place where lanes are drawn by their clocks.
function drawUntil(sc, l) {
  const x = sc.x(l.until);
  if (l.until === never || state.byClocks || x < sc.l.left || x > sc.l.right) return null;
  const left = x > sc.l.right - 130;
  return s('g', { class: 'until' }, s('title', {}, `until ${seconds(l.until)} the loss could still have been avoided`),
    s('line', { x1: x, x2: x, y1: head, y2: sc.l.height - 4 }),
    s('text', { x: left ? x - 5 : x + 5, y: head + 9, 'text-anchor': left ? 'end' : 'start' }, 'avoidable until here'));
}

// drawVerdict marks where a leader began to prefer another update.
function drawVerdict(sc, l) {
  if (l.lane === none) return null;
  const x = sc.x(placed(sc.r, l.lane, l.at));
  if (x < sc.l.left || x > sc.l.right) return null;
  const y = sc.l.y[l.lane];
  return s('g', { class: 'verdict', 'data-op': l.op }, s('title', {}, `${sc.r.ops[l.op].label} is lost here at ${seconds(l.at)}: ${l.why}`),
    s('path', { d: `M${x - 4},${y + 6} l4,6 l4,-6 Z` }));
}
