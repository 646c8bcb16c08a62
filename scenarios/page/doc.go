// Package page makes one file of HTML that shows what happened in a distributed run: who
// wrote what where, what went over which link, what each clock showed, and which updates
// were lost to what. It needs no network and no server.
//
//	Story (lanes, runs, ops, messages, bands, clocks, readings, losses) ─▶ Write ─▶ one HTML file
//
// A [Story] is facts alone, so that whoever has a history can fill one in: a scenario that
// was played (package played), or a history that another store left behind. It knows no
// scripts and no resolvers: a run has a name and its counts.
//
// A page that does more than show one story has a [Frame] around it: further elements,
// scripts and styles, and what its policy allows besides (package playground).
//
// # The data in the page
//
// The element with the id story holds the story as JSON. Lists of things are objects of
// columns of equal length: ops.label[i] and ops.at[i] are of the same op. Columns that
// mostly repeat are kept small: at and sent are differences to the row before, arrives and
// applied to the row's own sent and arrives, over and ops to what the comments in
// encode.go say. Texts that come again and again are indexes into texts. Times are
// nanoseconds since the story's zero, true time unless a comment says that a clock showed
// them. A number beyond 2^53, which a browser would round, is a string. What is larger
// than inlineBytes is compressed with gzip and written in base64: data-encoding says so.
//
// A loss has until when it could have been avoided (until, -1: never, or nobody knows) and
// what is known of that in words (avoid).
//
// # Safety
//
// Keys, values and names are whatever users wrote. The page has a content security policy
// that allows its own script and style by their hashes and nothing else that its Frame does
// not name: no network, no handlers in attributes, no evaluation. JSON is written with <, > and & escaped, and the
// script puts texts into the page as text alone.
//
// # Sources
//
// The scripts in assets are plain and are put into the page one behind the other inside
// one function, in the order of the list in write.go; each has one job. Nothing is built.
//
// What the package is not: it judges nothing and leaves out nothing but the middle of long
// values; bounds are named where something is bounded.
//
// Invariants: equal stories give equal pages, byte for byte; the numbers of a pane at the
// end of the story are the run's counts.
package page
