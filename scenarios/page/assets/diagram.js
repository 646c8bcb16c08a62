// The diagram: what of it is lit, and how pointers and keys move in it.

let plot; // the SVG
let scene;

function makeDiagram() {
  plot = s('svg', { class: 'plot', role: 'group', 'aria-roledescription': 'space-time diagram', tabindex: 0, 'aria-describedby': 'keys' });
  plot.addEventListener('pointerover', (e) => peek(opUnder(e)));
  plot.addEventListener('pointerleave', () => peek(none));
  plot.addEventListener('focusin', (e) => peek(opUnder(e)));
  plot.addEventListener('click', clicked);
  plot.addEventListener('keydown', keyed);
  plot.addEventListener('wheel', wheeled, { passive: false });
  dragging(plot);
  return plot;
}

function redraw() {
  const width = Math.max(300, plot.parentNode.clientWidth);
  scene = sceneOf(width);
  plot.setAttribute('viewBox', `0 0 ${width} ${scene.l.height}`);
  plot.setAttribute('width', width);
  plot.setAttribute('height', scene.l.height);
  plot.setAttribute('aria-label', `${story.name} under ${run().name}, from ${seconds(scene.from)} to ${seconds(scene.to)}: ${count(scene.ops.length, 'write')} and ${count(scene.messages.length, 'message')} in view`);
  const focused = document.activeElement && plot.contains(document.activeElement) && document.activeElement !== plot;
  replace(plot, drawScene(scene));
  placeMoment();
  light();
  if (focused) focusOp(state.selected);
}

function placeMoment() {
  const line = plot.querySelector('.moment');
  const x = scene.x(state.moment);
  line.classList.toggle('away', x < scene.l.left - 1 || x > scene.l.right + 1);
  line.setAttribute('x1', x);
  line.setAttribute('x2', x);
}

const opUnder = (e) => {
  const node = e.target.closest('[data-op]');
  return node ? Number(node.dataset.op) : none;
};

function peek(op) {
  if (op !== state.peeked) update({ peeked: op });
}

// light shows the causal past and future of the op under the pointer, or of the selected one.
function light() {
  const r = run();
  const op = state.peeked === none ? state.selected : state.peeked;
  plot.classList.toggle('lit', op !== none);
  const sets = op === none ? null : { self: new Set([op]), past: past(r, op), future: future(r, op) };
  const winner = op !== none && r.ops[op].loss ? r.ops[op].loss.by : none;
  drawFront(r, op, winner);
  for (const node of plot.querySelectorAll('[data-op]')) {
    const i = Number(node.dataset.op);
    node.classList.toggle('self', i === op);
    node.classList.toggle('winner', i === winner && i !== none);
    node.classList.toggle('past', !!sets && sets.past.has(i));
    node.classList.toggle('future', !!sets && sets.future.has(i));
  }
}

// drawFront draws what its author had been shown as arrows; in a view that has too much to
// draw everything, it draws the op itself, the one that beat it, and their messages.
function drawFront(r, op, winner) {
  const front = plot.querySelector('.front');
  const causes = plot.querySelector('.causes');
  if (op === none) return replace(front), replace(causes);
  const loss = r.ops[op].loss;
  const shown = new Set([op, winner, ...r.ops[op].over].filter((i) => i !== none));
  replace(front, scene.manyMessages && concerned(scene, shown).map((m) => drawMessage(scene, m)),
    loss && drawUntil(scene, loss), scene.manyOps && [[...shown].map((i) => drawOp(scene, r.ops[i])), r.losses.filter((l) => l.op === op).map((l) => drawVerdict(scene, l))]);
  return replace(causes, [...r.ops[op].over.map((p) => cause(r, p, op)), winner !== none && !r.ops[op].over.includes(winner) && cause(r, op, winner, 'beaten')]);
}

// cause is an arrow from what was shown to what was written on it, or from what lost to what
// beat it.
function cause(r, from, to, kind) {
  const at = (i) => [scene.x(placed(r, r.ops[i].leader, r.ops[i].at)), scene.l.y[r.ops[i].leader]];
  const [[x0, y0], [x1, y1]] = [at(from), at(to)];
  const bend = y0 === y1 ? -26 : 0;
  const back = state.byClocks && x1 < x0 ? ' back' : '';
  return s('path', { class: `cause${back} ${kind || ''}`, d: `M${x0},${y0} Q${(x0 + x1) / 2},${(y0 + y1) / 2 + bend} ${x1},${y1}`, 'marker-end': kind ? null : `url(#head-${back ? 'back' : 'cause'})` });
}

function select(op, keepMoment) {
  if (op === none) return update({ selected: none });
  const o = run().ops[op];
  const at = o.loss ? o.loss.at : o.at;
  const seen = scene && scene.inView(placed(run(), o.leader, o.at));
  if (!seen) state.view = around(run(), op);
  update({ selected: op, peeked: none, moment: keepMoment ? state.moment : at, view: state.view });
  return announce(describe(run(), op));
}

function focusOp(op) {
  const node = plot.querySelector(`.op[data-op="${op}"]`);
  if (node) node.focus({ preventScroll: true });
}

function clicked(e) {
  const op = opUnder(e);
  if (op !== none) select(op);
  else if (e.detail > 0 && !dragged) update({ moment: Math.max(0, Math.min(run().end, momentAt(e))) });
}

// momentAt is the true time under a pointer; by the clocks the axis is no true time, and
// the moment stays.
function momentAt(e) {
  return state.byClocks ? state.moment : scene.time(e.clientX - plot.getBoundingClientRect().left);
}

function wheeled(e) {
  if (!e.ctrlKey && !e.shiftKey) return;
  e.preventDefault();
  zoom(e.deltaY < 0 || e.deltaX < 0 ? 0.8 : 1.25, toAxis(scene.axis, scene.time(e.clientX - plot.getBoundingClientRect().left)));
}

let dragged = false;

function dragging(node) {
  let last = null;
  node.addEventListener('pointerdown', (e) => { last = e.pointerType === 'touch' ? null : e.clientX; dragged = false; });
  node.addEventListener('pointermove', (e) => {
    if (last === null || !e.buttons || (!dragged && Math.abs(e.clientX - last) < 4)) return;
    dragged = true;
    shift((last - e.clientX) / (scene.l.right - scene.l.left));
    last = e.clientX;
  });
  node.addEventListener('pointerup', () => { last = null; });
}

// shift moves the view by a share of its width.
function shift(share) {
  const [a, b] = state.view;
  look(a + share * (b - a), b + share * (b - a));
}

// keyed moves from write to write, and through the loss.
function keyed(e) {
  const act = {
    ArrowRight: () => stepOp(1), ArrowLeft: () => stepOp(-1), ArrowUp: () => shift(-0.25), ArrowDown: () => shift(0.25),
    '+': () => zoom(0.5), '=': () => zoom(0.5), '-': () => zoom(2), 0: () => look(0, axisOf(run()).end),
    n: () => stepLoss(1), p: () => stepLoss(-1), Escape: () => select(none), Enter: () => state.peeked !== none && select(state.peeked),
    c: () => update({ byClocks: !state.byClocks }),
  }[e.key];
  if (!act || e.metaKey || e.ctrlKey || e.altKey) return;
  e.preventDefault();
  act();
}

function stepOp(by) {
  const { ops } = run();
  const next = state.selected === none ? upTo(ops, state.moment, (o) => o.at) - (by > 0 ? 0 : 1) : state.selected + by;
  if (next < 0 || next >= ops.length) return;
  select(next);
  focusOp(next);
}

function stepLoss(by) {
  const { losses } = run();
  if (!losses.length) return announce(`nothing is lost under ${run().name}`);
  const now = losses.findIndex((l) => l.op === state.selected);
  const next = now < 0 ? 0 : (now + by + losses.length) % losses.length;
  return select(losses[next].op);
}

// around is a view of what a write was based on, what beat it, and when.
function around(r, op) {
  const o = r.ops[op];
  const all = [op, ...o.over.slice(-3), ...(o.loss && o.loss.by !== none ? [o.loss.by] : [])];
  const times = all.map((i) => placed(r, r.ops[i].leader, r.ops[i].at));
  for (const m of r.messages) {
    if (m.kind === 'ship' && (m.op === op || (o.loss && m.op === o.loss.by)) && m.arrives !== never && m.arrives - o.at < 5e9) times.push(...ends(r, m));
  }
  if (o.loss) times.push(o.loss.lane === none ? o.loss.at : placed(r, o.loss.lane, o.loss.at));
  const axis = axisOf(r);
  const [a, b] = [toAxis(axis, times.reduce((x, y) => Math.min(x, y))), toAxis(axis, times.reduce((x, y) => Math.max(x, y)))];
  const margin = Math.max((b - a) * 0.15, 1e6 * axis.scale);
  return [a - margin, b + margin];
}
