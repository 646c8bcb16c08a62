// The engine: unpacked once, run in a worker that is ended when it is stopped, stuck or too
// large.

const silence = 60e3; // milliseconds without a word after which a worker is ended
const maxMemory = 1 << 30; // bytes that a worker may keep

const engine = { module: null, worker: null, waiting: null, timer: 0, stopped: false };

// unpacked is the compiled engine. It is unpacked once.
function unpacked() {
  if (!engine.module) {
    engine.module = load().catch((e) => {
      engine.module = null; // the next question tries again
      throw e;
    });
  }
  return engine.module;

  async function load() {
    if (document.readyState === 'loading') await new Promise((done) => document.addEventListener('DOMContentLoaded', done, { once: true }));
    const element = document.getElementById('engine');
    if (element.dataset.encoding === 'base64') return WebAssembly.compile(await unpack(element.textContent.trim()).arrayBuffer());
    const response = await fetch(element.textContent.trim());
    if (!response.ok) throw new Error(`the simulation cannot be fetched: ${response.status}; is the command still running?`);
    return WebAssembly.compile(await unzip(response.body).arrayBuffer());
  }
}

// started is a worker whose engine can be asked.
async function started() {
  if (engine.worker) return engine.worker;
  const compiled = await unpacked();
  const address = URL.createObjectURL(new Blob([document.getElementById('worker').textContent], { type: 'text/javascript' }));
  const worker = new Worker(address);
  engine.worker = worker;
  await new Promise((ready, failed) => {
    listen({ failed, heard: (said) => said.ready && ready() });
    worker.onmessage = ({ data }) => heard(data);
    worker.onerror = (e) => endWorker(e.message || 'the worker cannot run');
    worker.postMessage({ module: compiled });
  }).finally(() => URL.revokeObjectURL(address));
  return worker;
}

// listen lets the one who waits for the worker hear it, until it is silent for too long.
function listen(who) {
  engine.waiting = who;
  clearTimeout(engine.timer);
  if (who) engine.timer = setTimeout(() => endWorker(`it was stopped after ${silence / 1000} s without an end; let less happen, or play it with scenario compare`), silence);
}

function heard(said) {
  const who = engine.waiting;
  if (!who) return;
  if (said.gone) return void endWorker(`the simulation broke off: ${said.gone}`);
  listen(who);
  who.heard(said);
}

// endWorker ends the worker; who waits for it is told why.
function endWorker(why) {
  const who = engine.waiting;
  listen(null);
  if (engine.worker) engine.worker.terminate();
  engine.worker = null;
  if (who) who.failed(new Error(why));
}

const stoppedByHand = 'it was stopped; the page shows what was played before';

// stop ends what the engine does, or keeps it from beginning.
function stop() {
  engine.stopped = true;
  endWorker(stoppedByHand);
}

// ask asks the engine one question; one at a time.
async function ask(question, progressed) {
  const worker = await started();
  if (engine.stopped) throw new Error(stoppedByHand);
  const said = await new Promise((done, failed) => {
    listen({ failed, heard: (s) => (s.answer === undefined ? s.total && progressed && progressed(s.finished, s.total) : done(s)) });
    worker.postMessage({ question: JSON.stringify(question) });
  });
  listen(null);
  if (said.memory > maxMemory) endWorker('');
  return JSON.parse(said.answer);
}
