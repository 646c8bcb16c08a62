// Package page is the console in a browser: the files that a leader serves at / and below
// /console/. They are plain HTML, CSS and JavaScript modules; nothing is built.
//
//	/                        index.html, for every view
//	/console/NAME            style.css, icon.svg and the modules
//	/console/overview.json   what the page shows, asked for once a second (package console)
//	/console/key.json        why a key holds what it holds
//	/console/sum.json        whether all accepted writes add up; when somebody asks
//	/console/experiments     what kvd dev --demo lets the page change
//
// The modules have a job each: main polls and decides what is drawn, ask asks the leader,
// dom makes elements, format writes numbers for people, members, clocks, losses, curves and store draw their
// part of the overview, key draws the view of one key, and experiments the sliders.
//
// # Safety
//
// The policy in the header allows what comes from the leader itself and nothing else: no
// script in the text, no handlers in attributes, no evaluation, no frames. Keys and values
// are whatever users wrote: the leader makes text of bytes, and the modules put text into
// the page as text alone. Whoever may not read a key is not told of it by the leader.
//
// What the package is not: it knows no leader and has no data.
//
// Invariants: the page asks nobody but the leader that it came from; what it keeps for its
// curves has a bound, and goes with the page.
package page
