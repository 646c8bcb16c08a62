// Package playground makes a page in which a scenario can be changed and played: its
// script is a text to edit, clocks and links have sliders, and what happens is drawn as in
// every report (package page). The simulation runs in the page, as WebAssembly.
//
//	checkout ─▶ [Compile] ─▶ Binary ─▶ [Write] ─▶ one HTML file
//	page: script, sliders ─▶ worker: package engine ─▶ story ─▶ matrix, diagram, panes
//
// The page shows a scenario that was played beforehand, and asks for the engine only when
// somebody changes something. The engine is in the page ([Write]), or beside it ([Handler]),
// compressed; the page says how large it is. No page asks anybody else for anything.
//
// # Compiling
//
// Nothing that is compiled is kept in the tree. [Compile] builds package engine/wasm with
// the go command, from the checkout that it is called in. Pebble does not know
// GOOS=js: it lacks what it asks of a machine's filesystem there, which a simulation never
// uses, since its disks are in memory. So the go command is given a copy of pebble's
// sources that assets/pebble adds that to, and a go.mod that names the copy. The store of a
// simulated leader is the same in the browser as everywhere else, byte for byte.
//
// # Bounds
//
// Package engine refuses scripts that are too long. The engine runs in a worker, which the
// page ends when it answers nothing for a minute, takes more than a gigabyte, or is told to
// stop; the next question begins another.
//
// What the package is not: it plays nothing itself, and serves nobody but a browser on this
// machine.
//
// Invariants: the numbers in the page are those of scenario compare with the same script
// and seed; the page runs the scripts that it has hashes of, and WebAssembly, and nothing
// that anybody wrote into a script.
package playground
