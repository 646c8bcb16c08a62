// Reading the story that is embedded in the page: see the package comment of page for
// its shape. What comes out is arrays of objects with absolute times.

const never = -1;
const none = -1;
const kinds = ['request', 'reply', 'ship'];

async function load() {
  const element = document.getElementById('story');
  let text = element.textContent;
  if (element.dataset.encoding === 'gzip') text = await unpack(text.trim()).text();
  return decode(JSON.parse(text));
}

// decode is a story from what its JSON says.
function decode(raw) {
  if (raw.version !== 1) throw new Error(`this script reads version 1 of a story, not ${raw.version}`);
  raw.runs = raw.runs.map((r) => decodeRun(r, raw));
  return raw;
}

// unpack is a response with what was compressed with gzip and written in base64.
function unpack(base64) {
  const bytes = Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
  return unzip(new Blob([bytes]).stream());
}

const unzip = (stream) => new Response(stream.pipeThrough(new DecompressionStream('gzip')));

// rows turns columns into objects, each cell through the function of its column. Numbers
// that are too wide are strings in the page; what is drawn may be rounded.
function rows(columns, decode) {
  const names = Object.keys(columns);
  const list = new Array(names.length ? columns[names[0]].length : 0);
  for (let i = 0; i < list.length; i++) {
    const row = { index: i };
    for (const name of names) row[name] = columns[name][i];
    list[i] = row;
  }
  list.forEach(decode);
  return list;
}

function rising() {
  let now = 0;
  return (d) => (now += Number(d));
}

// since undoes the difference to another time; zero is never.
function since(d, from) {
  const n = Number(d);
  if (n === 0) return never;
  return n > 0 ? from + n - 1 : from + n;
}

function decodeRun(r, story) {
  const text = (i) => story.texts[i];
  r.end = Number(r.end);
  r.ops = decodeOps(r.ops, text);
  r.messages = decodeMessages(r.messages, text);
  r.readings = decodeReadings(r.readings, text);
  const lossAt = rising();
  r.losses = rows(r.losses, (l) => { l.at = lossAt(l.at); l.class = text(l.class); l.why = text(l.why); l.until = Number(l.until); l.avoid = text(l.avoid); });
  r.bands.forEach((b) => { b.from = Number(b.from); b.to = Number(b.to); });
  r.clocks.forEach((c) => {
    const at = rising();
    c.at = c.at.map(at);
    c.offset = c.offset.map(Number);
    c.error = c.error.map(Number);
  });
  return r;
}

function decodeOps(columns, text) {
  const at = rising();
  return rows(columns, (o, i) => {
    o.at = at(o.at);
    o.acked = since(o.acked, o.at);
    o.dot = o.dot.length > 1 ? `${text(o.dot[0])}-${o.dot[1]}` : text(o.dot[0]);
    o.words = text(o.words);
    o.value = text(o.value);
    o.earliest = o.at + Number(o.earliest);
    o.latest = o.earliest + Number(o.latest);
    o.hlc = o.latest + Number(o.hlc);
    o.walled = (o.stamped & 1) !== 0;
    o.logical = (o.stamped & 2) !== 0;
    o.over = o.over.map((d) => i - d);
    o.loss = null;
  });
}

function decodeMessages(columns, text) {
  const sent = rising();
  let op = 0;
  return rows(columns, (m) => {
    op += m.op;
    m.op = op;
    m.kind = kinds[m.kind];
    m.sent = sent(m.sent);
    m.arrives = since(m.arrives, m.sent);
    m.applied = since(m.applied, Math.max(m.arrives, m.sent));
    m.words = text(m.words);
  });
}

function decodeReadings(columns, text) {
  const at = rising();
  let first = 0;
  return rows(columns, (r) => {
    r.at = at(r.at);
    let last = first;
    r.ops = r.ops.map((d, i) => {
      last += d;
      if (i === 0) first = last;
      return last;
    });
    r.text = text(r.text);
  });
}
