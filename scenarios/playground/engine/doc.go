// Package engine is what the playground's page asks for: it reads a script, changes it as
// a slider says, and plays it under every resolver. It is compiled to WebAssembly (package
// engine/wasm), and is the same code as everybody else's: the numbers are those of
// scenario compare.
//
//	Request{Do: open, look, turn, play} ─▶ [Do] ─▶ Answer{Text, Knobs, Story, Mistakes}
//
// # Knobs
//
// A knob is one number of the script's set-up: how far a leader's clock is off, or how
// long a link takes. Turning it changes the script's text and nothing else, so the text is
// always what is played, and can be taken to the command line as it is.
//
// # Bounds
//
// A script that would take a browser minutes is refused before it is played, with the
// command that plays it. What takes long all the same is stopped by the page, which runs
// the engine in a worker and ends that.
//
// What the package is not: it knows no browser, and keeps nothing between calls.
//
// Invariants: an answer has a story or says what is wrong; a text that is answered is one
// that can be played.
package engine
